import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ensureBackends } from './binaries.ts'
import { type ServerProcess, startServer, withFreeAddresses } from './server-process.ts'

/** The file that docker-compose.yml mounts. */
const configFile = fileURLToPath(new URL('../../collector-config.yaml', import.meta.url))

/** The discard port of this machine: connections to it are refused at once. Stands for a store that is down. */
export const nowhere = 'http://127.0.0.1:9'

export interface CollectorOptions {
  /** Base address of Jaeger's OTLP/HTTP receiver, as {@link RunningJaeger.otlpHttpEndpoint} says it. */
  jaegerOtlpEndpoint: string
  /**
   * Base address of Tempo's OTLP/HTTP receiver.
   *
   * @defaultValue an address that refuses connections: the Collector then keeps Tempo's copy and goes on
   */
  tempoOtlpEndpoint?: string | undefined
  /**
   * Where undelivered spans are kept. A Collector that starts with the directory of an earlier one delivers them.
   *
   * @defaultValue a new directory, removed when the Collector stops
   */
  queueDirectory?: string | undefined
}

/** A Collector between the test and its stores. */
export interface RunningCollector extends ServerProcess {
  /** Base address for OTLP over HTTP, without `/v1/traces`: what `OTEL_EXPORTER_OTLP_ENDPOINT` takes. */
  readonly otlpHttpEndpoint: string
  /** `host:port` for OTLP over gRPC. */
  readonly otlpGrpcEndpoint: string
}

/** Starts a Collector on free loopback ports and waits until it is healthy. Builds it first where that was not done. */
export async function startCollector(options: CollectorOptions): Promise<RunningCollector> {
  const { collector } = await ensureBackends()
  const { jaegerOtlpEndpoint, tempoOtlpEndpoint = nowhere, queueDirectory } = options
  const directory = queueDirectory ?? (await mkdtemp(join(tmpdir(), 'runspan-collector-')))
  const cleanUp = async (): Promise<void> => {
    if (queueDirectory === undefined) await rm(directory, { recursive: true, force: true })
  }
  try {
    return await withFreeAddresses(3, async (next) => {
      const [otlpGrpc, otlpHttp, health] = [next(), next(), next()]
      const server = await startServer({
        name: 'the Collector',
        binary: collector,
        args: ['--config', configFile],
        env: {
          RUNSPAN_COLLECTOR_OTLP_GRPC: otlpGrpc,
          RUNSPAN_COLLECTOR_OTLP_HTTP: otlpHttp,
          RUNSPAN_COLLECTOR_HEALTH: health,
          RUNSPAN_COLLECTOR_QUEUE_DIR: directory,
          RUNSPAN_COLLECTOR_JAEGER_OTLP: jaegerOtlpEndpoint,
          RUNSPAN_COLLECTOR_TEMPO_OTLP: tempoOtlpEndpoint,
        },
        healthUrl: `http://${health}/`,
      })
      let stopped: Promise<void> | undefined
      const stop = (): Promise<void> => (stopped ??= server.stop().then(cleanUp))
      return {
        ...server,
        otlpHttpEndpoint: `http://${otlpHttp}`,
        otlpGrpcEndpoint: otlpGrpc,
        stop,
        [Symbol.asyncDispose]: stop,
      }
    })
  } catch (error) {
    await cleanUp()
    throw error
  }
}

/**
 * Has the Collector read its configuration without starting, with the defaults of every variable.
 *
 * @throws Error with the Collector's complaint when it would refuse to start.
 */
export async function validateCollectorConfig(): Promise<void> {
  const { collector } = await ensureBackends()
  await promisify(execFile)(collector, ['validate', '--config', configFile], { env: {} })
}
