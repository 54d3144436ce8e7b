import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ensureBackends } from './binaries.ts'
import { type ServerProcess, startServer, withFreeAddresses } from './server-process.ts'

const gatewayFile = fileURLToPath(new URL('../../deploy/collector-gateway.yaml', import.meta.url))
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
  /** `host:port` that Prometheus scrapes. */
  readonly metricsAddress: string
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
    return await withFreeAddresses(4, async (next) => {
      const [otlpGrpc, otlpHttp, health, metrics] = [next(), next(), next(), next()]
      const server = await startServer({
        name: 'the Collector',
        binary: collector,
        args: ['--config', configFile],
        env: {
          RUNSPAN_COLLECTOR_OTLP_GRPC: otlpGrpc,
          RUNSPAN_COLLECTOR_OTLP_HTTP: otlpHttp,
          RUNSPAN_COLLECTOR_HEALTH: health,
          RUNSPAN_COLLECTOR_METRICS: metrics,
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
        metricsAddress: metrics,
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
 * Has the Collector read a configuration without starting, with the defaults of every variable.
 *
 * @param files read one over the other; the one of docker-compose.yml where none is named
 *
 * @throws Error with the Collector's complaint when it would refuse to start.
 */
export async function validateCollectorConfig(...files: readonly string[]): Promise<void> {
  const { collector } = await ensureBackends()
  const configs = (files.length === 0 ? [configFile] : files).flatMap((file) => ['--config', file])
  await promisify(execFile)(collector, ['validate', ...configs], { env: {} })
}

/** A Collector that writes what it gets into a file, one request per line. */
export interface RunningFileWriter extends ServerProcess {
  readonly otlpHttpEndpoint: string
  /** The file. */
  readonly path: string
}

/** Starts a Collector with the `file` exporter. The file goes with its directory, which is the caller's. */
export async function startFileWriter(directory: string): Promise<RunningFileWriter> {
  const { collector } = await ensureBackends()
  return withFreeAddresses(2, async (next) => {
    const [otlpHttp, health] = [next(), next()]
    const path = join(directory, 'traces.jsonl')
    const config = join(directory, 'collector.yaml')
    // JSON is YAML.
    await writeFile(
      config,
      JSON.stringify({
        receivers: { otlp: { protocols: { http: { endpoint: otlpHttp } } } },
        exporters: { file: { path, flush_interval: '100ms' } },
        extensions: { health_check: { endpoint: health } },
        service: {
          extensions: ['health_check'],
          // One exporter of both: their lines stand in one file.
          pipelines: {
            traces: { receivers: ['otlp'], exporters: ['file'] },
            logs: { receivers: ['otlp'], exporters: ['file'] },
          },
          telemetry: { metrics: { level: 'none' } },
        },
      }),
    )
    const server = await startServer({
      name: 'the Collector',
      binary: collector,
      args: ['--config', config],
      env: {},
      healthUrl: `http://${health}/`,
    })
    return { ...server, otlpHttpEndpoint: `http://${otlpHttp}`, path }
  })
}

/** A gateway that decides which runs are kept. */
export interface RunningGateway extends ServerProcess {
  readonly otlpHttpEndpoint: string
}

/** Options of {@link startGateway}. */
export interface GatewayOptions {
  readonly storeOtlpEndpoint: string
  /** As the Collector writes times: `2s`. */
  readonly longestRun: string
  readonly afterRoot: string
  readonly basePercent: number
}

/** Starts a Collector with `deploy/collector-gateway.yaml`. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { collector } = await ensureBackends()
  const directory = await mkdtemp(join(tmpdir(), 'runspan-gateway-'))
  return withFreeAddresses(3, async (next) => {
    const [otlpGrpc, otlpHttp, health] = [next(), next(), next()]
    const server = await startServer({
      name: 'the gateway',
      binary: collector,
      args: ['--config', gatewayFile],
      env: {
        RUNSPAN_GATEWAY_OTLP_GRPC: otlpGrpc,
        RUNSPAN_GATEWAY_OTLP_HTTP: otlpHttp,
        RUNSPAN_GATEWAY_HEALTH: health,
        RUNSPAN_GATEWAY_QUEUE_DIR: directory,
        RUNSPAN_GATEWAY_STORE_OTLP: options.storeOtlpEndpoint,
        RUNSPAN_GATEWAY_LONGEST_RUN: options.longestRun,
        RUNSPAN_GATEWAY_AFTER_ROOT: options.afterRoot,
        RUNSPAN_GATEWAY_BASE_PERCENT: String(options.basePercent),
      },
      healthUrl: `http://${health}/`,
    })
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> =>
      (stopped ??= server.stop().then(() => rm(directory, { recursive: true, force: true })))
    return { ...server, otlpHttpEndpoint: `http://${otlpHttp}`, stop, [Symbol.asyncDispose]: stop }
  })
}
