import { randomUUID } from 'node:crypto'

import { startService } from './child-process.ts'
import type { Service } from './child-process.ts'

export interface TeamOptions {
  /** Where spans go: an OTLP/HTTP endpoint. */
  readonly endpoint: string
  readonly modelBaseUrl: string
  readonly queueDirectory: string
  readonly reportDirectory: string
  readonly signal: AbortSignal
}

/** The four processes of the team. */
export interface Team extends AsyncDisposable {
  readonly plannerUrl: string
  /** Rejects when one of them goes before it was asked to. */
  readonly lost: Promise<never>
  /** Asks all of them to finish; afterwards every span they made is delivered. @throws when one of them could not */
  stop(): Promise<void>
}

/** Starts search, executor, planner and writer, each with its own way to send spans. */
export async function startTeam(options: TeamOptions): Promise<Team> {
  const { endpoint, modelBaseUrl, queueDirectory, reportDirectory, signal } = options
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    // People watch: half a second is late enough.
    OTEL_BSP_SCHEDULE_DELAY: '200',
    // Otherwise the SDK loses spans in silence.
    OTEL_LOG_LEVEL: 'error',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OPENAI_BASE_URL: modelBaseUrl,
    OPENAI_API_KEY: 'any-key-will-do',
    AI_SDK_LOG_WARNINGS: 'false',
    TEAM_KEY: randomUUID(),
    QUEUE_DIRECTORY: queueDirectory,
    REPORT_DIRECTORY: reportDirectory,
  }
  const json = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  const compressed = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }

  const starting: Promise<Service>[] = []
  function start(name: string, script: string, more: Record<string, string>): Promise<Service> {
    const service = startService({ name, script, environment: { ...environment, ...more } }, signal)
    starting.push(service)
    return service
  }
  async function stop(): Promise<void> {
    const services = await Promise.allSettled(starting)
    const started = services.flatMap((service) => (service.status === 'fulfilled' ? [service.value] : []))
    const stops = await Promise.allSettled(started.map((service) => service.stop()))
    for (const outcome of stops) if (outcome.status === 'rejected') throw outcome.reason
  }
  /** Where something has gone wrong already, that is what is to be reported. */
  const stopQuietly = () => stop().catch(() => {})

  try {
    // Each service is told where the next one listens, so the last in the chain starts first.
    const writing = start('writer', '../writer/worker.ts', compressed)
    const search = await start('search', '../search/service.ts', json)
    const executor = await start('executor', '../executor/service.ts', { ...json, SEARCH_URL: search.url ?? '' })
    const planner = await start('planner', '../planner/service.ts', { ...compressed, EXECUTOR_URL: executor.url ?? '' })
    const services = [await writing, search, executor, planner]
    const lost = Promise.race(services.map((service) => service.lost))
    lost.catch(() => {})
    return { plannerUrl: planner.url ?? '', lost, stop, [Symbol.asyncDispose]: stopQuietly }
  } catch (error) {
    await stopQuietly()
    throw error
  }
}
