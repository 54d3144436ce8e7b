import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { expect } from 'vitest'

import type { LedgerEntry } from '../../examples/model-server/ledger.ts'
import { startModelServer } from '../../examples/model-server/server.ts'
import { startRedis } from '../../scripts/brokers/redis.ts'
import { carryRuns } from '../../src/export/node.ts'
import { tool, wrapAgent, type Run } from '../../src/index.ts'
import type { StoredSpan } from '../../src/query/index.ts'
import { startReceiver } from '../../src/viewer/receiver/index.ts'
import type { MeshPlaces } from '../fixtures/mesh-places.ts'
import { MeshQueue } from '../fixtures/mesh-queue.ts'
import type { MeshScript } from '../fixtures/mesh-service.ts'
import { recordSpans } from '../support/record-spans.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'
import { Programs, type Program } from './programs.ts'

/** Services by their `service.name`: Express passes a run on to Fastify, and that to Hono. */
export const services = ['Express 5', 'Fastify 5', 'Hono on Node', 'queue worker', 'Python'] as const

/**
 * What is to be done with a run. First the caller's own errands: a job in the queue (q), one whose reply is waited for
 * (r), a question to Python (p), a spawned run (w). Then a letter per service, and its errands: answer, stream, fail,
 * crash.
 */
const ways = ['aaa', 'wraa', 'as', 'faar', 'aca', 'aaaqp', 'apaqa', 'qas', 'pfa', 'waqfp'] as const
/** One run in so many spawns another. */
export const runsPerSpawn = 5

/** Plenty of room and time: a machine may be slow, and what is dropped would be missed. */
const patience = { OTEL_BSP_MAX_QUEUE_SIZE: '200000', OTEL_BSP_EXPORT_TIMEOUT: '300000' }

/** A run that has ended, and what was to be done with it. */
export interface DoneRun {
  readonly runId: string
  readonly how: string
}

/** What five services have done, and what they were billed for it. */
export interface Mesh {
  readonly runs: readonly DoneRun[]
  /** Ids that runs were spawned under. */
  readonly spawnedIds: readonly string[]
  /** Everything that was exported. */
  readonly spans: readonly StoredSpan[]
  readonly ledger: readonly LedgerEntry[]
  /** From the first run's start to the last one's end. */
  readonly seconds: number
}

/**
 * Starts five services in five processes, with a model server, a Redis and a receiver of spans; opens runs that they
 * work on; stops them, the callers first, when every job is done.
 *
 * @param bin folder of the programs of the Python that the service there needs
 */
export async function runMesh(bin: string, runCount: number, concurrency: number): Promise<Mesh> {
  await using cleanup = new AsyncDisposableStack()
  const spans: StoredSpan[] = []
  const model = await startModelServer({ latencyMillis: 0 })
  cleanup.defer(() => model.close())
  const receiver = await startReceiver({
    port: 0,
    onSpans: (received) => {
      for (const span of received) spans.push(span)
    },
  })
  cleanup.defer(() => receiver.close())
  const redis = cleanup.use(await startRedis())
  const start = (fixture: string, name: string, script: MeshPlaces): FixtureProcess =>
    cleanup.use(
      spawnProcess(fixture, script, {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_SERVICE_NAME: name,
        OTEL_BSP_SCHEDULE_DELAY: '50',
        ...patience,
      }),
    )
  const startService = async (
    script: MeshScript,
  ): Promise<{ readonly process: FixtureProcess; readonly url: string }> => {
    const process = start('mesh-service', script.framework, script)
    return { process, url: (await process.message<{ url: string }>()).url }
  }

  const python = startPython(
    cleanup.use(new Programs({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })),
    bin,
    model.baseUrl,
  )
  const pythonUrl = await python.line()
  const places: MeshPlaces = { modelUrl: model.baseUrl, pythonUrl, redisUrl: redis.url }
  const worker = start('mesh-worker', 'queue worker', places)
  await worker.message()
  const hono = await startService({ framework: 'Hono on Node', ...places })
  const fastify = await startService({ framework: 'Fastify 5', ...places, next: hono.url })
  const express = await startService({ framework: 'Express 5', ...places, next: fastify.url })

  const startMillis = performance.now()
  const caller = new Caller(express.url, places, receiver.url)
  await caller.call(runCount, concurrency)
  const seconds = Math.round((performance.now() - startMillis) / 1000)
  for (const { process } of [express, fastify, hono]) await stop(process)
  await stop(worker)
  await fetch(`${pythonUrl}/stop`, { method: 'POST' })
  await python.done
  return { runs: caller.done, spawnedIds: caller.spawnedIds, spans, ledger: model.ledger, seconds }
}

function startPython(programs: Programs, bin: string, modelUrl: string): Program {
  return programs.start(`${bin}/opentelemetry-instrument`, [`${bin}/python`, 'test/fixtures/mesh_service.py'], {
    OTEL_SERVICE_NAME: 'Python',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '200',
    ...patience,
    OTEL_PYTHON_FASTAPI_EXCLUDED_URLS: 'stop',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OPENAI_API_KEY: 'any',
    OPENAI_BASE_URL: modelUrl,
  })
}

async function stop(service: FixtureProcess): Promise<void> {
  service.send('stop')
  expect(await service.message()).toEqual({ status: 'completed' })
}

/** Opens the runs: one more process, with its own spans in the same store. */
class Caller {
  readonly done: DoneRun[] = []
  readonly spawnedIds: string[] = []
  readonly #first: string
  readonly #places: MeshPlaces
  readonly #receiverUrl: string

  constructor(first: string, places: MeshPlaces, receiverUrl: string) {
    this.#first = first
    this.#places = places
    this.#receiverUrl = receiverUrl
  }

  async call(runCount: number, concurrency: number): Promise<void> {
    await using recorded = recordSpans()
    const queue = new MeshQueue(this.#places.redisUrl)
    await queue.ready()
    const unhook = carryRuns({ to: [this.#first, this.#places.pythonUrl].map((url) => new URL(url).host) })
    let next = 0
    const work = async (): Promise<void> => {
      while (next < runCount) await this.#run(ways[next++ % ways.length]!, queue)
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    unhook()
    await queue.close()
    const exporter = new OTLPTraceExporter({ url: `${this.#receiverUrl}/v1/traces`, timeoutMillis: 300_000 })
    const own = recorded.inEndOrder
    for (let at = 0; at < own.length; at += 1000) {
      const batch = own.slice(at, at + 1000)
      await new Promise((resolve) => exporter.export(batch, resolve))
    }
    await exporter.shutdown()
  }

  async #run(how: string, queue: MeshQueue): Promise<void> {
    const [, own, rest] = /^([qrpw]*)(.*)$/.exec(how)!
    const { runId } = await wrapAgent('planner', async (run) => {
      for (const errand of own!) await this.#errand(errand, how, run, queue)
      await get(`${this.#first}/work/${rest}`).catch(() => undefined)
    })
    this.done.push({ runId, how })
  }

  async #errand(errand: string, how: string, run: Run, queue: MeshQueue): Promise<void> {
    if (errand === 'q') await queue.leave(how)
    else if (errand === 'r') await queue.ask(how)
    else if (errand === 'p') await get(`${this.#places.pythonUrl}/summaries/${how}`).catch(() => undefined)
    else {
      const ref = run.spawn('writer')
      this.spawnedIds.push(ref.runId)
      await queue.spawn(how, ref)
    }
  }
}

const get = tool('ask', async (url: string) => void (await (await fetch(url)).text()))
