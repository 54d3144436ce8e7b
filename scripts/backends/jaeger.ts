import { fileURLToPath } from 'node:url'
import { ensureBackends } from './binaries.ts'
import { type ServerProcess, startServer, withFreeAddresses } from './server-process.ts'

/** The file that docker-compose.yml mounts. */
const configFile = fileURLToPath(new URL('../../deploy/jaeger.yaml', import.meta.url))

/** A Jaeger with an empty memory store. */
export interface RunningJaeger extends ServerProcess {
  /** Base address for OTLP over HTTP, without `/v1/traces`. */
  readonly otlpHttpEndpoint: string
  /** `host:port` for OTLP over gRPC. */
  readonly otlpGrpcEndpoint: string
  /** Base address of the query API, without `/api/v3`. */
  readonly queryUrl: string
}

/** Starts a Jaeger on free loopback ports and waits until it is healthy. Builds it first where that was not done. */
export async function startJaeger(): Promise<RunningJaeger> {
  const { jaeger } = await ensureBackends()
  return withFreeAddresses(5, async (next) => {
    const [otlpGrpc, otlpHttp, queryHttp, queryGrpc, health] = [next(), next(), next(), next(), next()]
    const server = await startServer({
      name: 'Jaeger',
      binary: jaeger,
      args: ['--config', configFile],
      env: {
        RUNSPAN_JAEGER_OTLP_GRPC: otlpGrpc,
        RUNSPAN_JAEGER_OTLP_HTTP: otlpHttp,
        RUNSPAN_JAEGER_QUERY_HTTP: queryHttp,
        RUNSPAN_JAEGER_QUERY_GRPC: queryGrpc,
        RUNSPAN_JAEGER_HEALTH: health,
        // Jaeger traces its own queries to localhost:4317, and would not stop before it gave up sending them.
        OTEL_TRACES_SAMPLER: 'always_off',
      },
      healthUrl: `http://${health}/status`,
    })
    return {
      ...server,
      otlpHttpEndpoint: `http://${otlpHttp}`,
      otlpGrpcEndpoint: otlpGrpc,
      queryUrl: `http://${queryHttp}`,
    }
  })
}
