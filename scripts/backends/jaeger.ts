import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBackends } from './binaries.ts'
import { type ServerProcess, startServer, withFreeAddresses } from './server-process.ts'

/** One file per store; docker-compose.yml mounts the one for memory. */
const configFiles = { memory: 'jaeger.yaml', badger: 'jaeger-badger.yaml' } as const

/** Where a Jaeger keeps its traces. */
export type JaegerStore = keyof typeof configFiles

/** A Jaeger with an empty store. */
export interface RunningJaeger extends ServerProcess {
  /** Base address for OTLP over HTTP, without `/v1/traces`. */
  readonly otlpHttpEndpoint: string
  /** `host:port` for OTLP over gRPC. */
  readonly otlpGrpcEndpoint: string
  /** Base address of the query API, without `/api/v3`. */
  readonly queryUrl: string
}

/**
 * Starts a Jaeger on free loopback ports and waits until it is healthy.
 *
 * @param binary the one that is built here, unless said otherwise; it is built first where that was not done
 */
export async function startJaeger(store: JaegerStore = 'memory', binary?: string): Promise<RunningJaeger> {
  const jaeger = binary ?? (await ensureBackends()).jaeger
  const configFile = fileURLToPath(new URL(`../../deploy/${configFiles[store]}`, import.meta.url))
  const directory = store === 'memory' ? undefined : await mkdtemp(join(tmpdir(), 'runspan-jaeger-'))
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
        ...(directory === undefined ? {} : { RUNSPAN_JAEGER_DATA: directory }),
        // Jaeger traces its own queries to localhost:4317, and would not stop before it gave up sending them.
        OTEL_TRACES_SAMPLER: 'always_off',
      },
      healthUrl: `http://${health}/status`,
    })
    let stopped: Promise<void> | undefined
    const cleanUp = async (): Promise<void> => {
      if (directory !== undefined) await rm(directory, { recursive: true, force: true })
    }
    const stop = (): Promise<void> => (stopped ??= server.stop().then(cleanUp))
    return {
      ...server,
      stop,
      [Symbol.asyncDispose]: stop,
      otlpHttpEndpoint: `http://${otlpHttp}`,
      otlpGrpcEndpoint: otlpGrpc,
      queryUrl: `http://${queryHttp}`,
    }
  })
}
