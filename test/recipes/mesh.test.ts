import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { Queue } from 'bullmq'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startModelServer, type ModelServer } from '../../examples/model-server/server.ts'
import { sumBill, type LedgerEntry } from '../../examples/model-server/ledger.ts'
import type { Broker } from '../../scripts/brokers/broker.ts'
import { startRedis } from '../../scripts/brokers/redis.ts'
import { carryRuns } from '../../src/export/node.ts'
import { injectRun, tool, wrapAgent, type Run } from '../../src/index.ts'
import { runTreesOf, type RunTree, type StoredSpan } from '../../src/query/index.ts'
import { startReceiver, type Receiver } from '../../src/viewer/receiver/index.ts'
import type { MeshPlaces } from '../fixtures/mesh-places.ts'
import type { MeshScript } from '../fixtures/mesh-service.ts'
import { recordSpans } from '../support/record-spans.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'
import { isMissing } from './is-missing.ts'
import { Programs, type Program } from './programs.ts'
import { ensurePython } from './python-packages.ts'

const python = ensurePython()
if (python.status === 'missing') {
  if (process.env['RUNSPAN_REQUIRE_ALL'] === '1') throw new Error(python.reason)
  console.warn(`skipped: ${python.reason}`)
}

/** `npm run test:mesh` asks for more. */
const runCount = Number(process.env['RUNSPAN_MESH_RUNS'] ?? 40)
const concurrency = Math.min(200, runCount)

/**
 * What is to be done with a run. First the caller's own errands: a job in the queue (q), a question to Python (p), a
 * spawned run (w). Then a letter per service, and its errands: answer, stream, fail, crash.
 */
const ways = ['aaa', 'waa', 'as', 'faa', 'aca', 'aaaqp', 'apaqa', 'qas', 'pfa', 'waqfp'] as const

/** Plenty of room and time: a machine may be slow, and what is dropped would be missed below. */
const patience = { OTEL_BSP_MAX_QUEUE_SIZE: '200000', OTEL_BSP_EXPORT_TIMEOUT: '300000' }

interface DoneRun {
  readonly runId: string
  readonly how: string
}

describe.skipIf(python.status === 'missing' || isMissing('redis'))(
  `five services in five processes, ${runCount} runs, ${concurrency} at a time`,
  () => {
    const done: DoneRun[] = []
    const writerIds: string[] = []
    const spans: StoredSpan[] = []
    const cleanup = new AsyncDisposableStack()
    let model: ModelServer
    let receiver: Receiver
    let runs: ReadonlyMap<string, RunTree>
    let bills: ReadonlyMap<string, readonly LedgerEntry[]>
    let seconds: number

    beforeAll(async () => {
      model = await startModelServer({ latencyMillis: 0 })
      cleanup.defer(() => model.close())
      receiver = await startReceiver({
        port: 0,
        onSpans: (received) => {
          for (const span of received) spans.push(span)
        },
      })
      cleanup.defer(() => receiver.close())
      const redis: Broker = cleanup.use(await startRedis())
      const pythonService = startPython()
      const pythonUrl = await pythonService.line()
      const places: MeshPlaces = { modelUrl: model.baseUrl, pythonUrl, redisUrl: redis.url }
      const worker = start('mesh-worker', 'queue worker', places)
      await worker.message()
      const hono = await startService({ framework: 'Hono on Node', ...places })
      const fastify = await startService({ framework: 'Fastify 5', ...places, next: hono.url })
      const express = await startService({ framework: 'Express 5', ...places, next: fastify.url })
      const startMillis = performance.now()
      await runAll(express.url, places)
      seconds = Math.round((performance.now() - startMillis) / 1000)
      // Callers before those they call, so that nobody is asked who has gone.
      for (const { process } of [express, fastify, hono]) await stop(process)
      await stop(worker)
      await fetch(`${pythonUrl}/stop`, { method: 'POST' })
      await pythonService.done
      runs = new Map(runTreesOf(spans).map((run) => [run.runId, run]))
      bills = Map.groupBy(model.ledger, ({ runId = '' }) => runId)
    }, 1_800_000)
    afterAll(() => cleanup.disposeAsync())

    function start(fixture: string, name: string, script: MeshPlaces): FixtureProcess {
      const environment = {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_SERVICE_NAME: name,
        OTEL_BSP_SCHEDULE_DELAY: '50',
        ...patience,
      }
      return cleanup.use(spawnProcess(fixture, script, environment))
    }

    async function startService(
      script: MeshScript,
    ): Promise<{ readonly process: FixtureProcess; readonly url: string }> {
      const process = start('mesh-service', script.framework, script)
      return { process, url: (await process.message<{ url: string }>()).url }
    }

    function startPython(): Program {
      const { bin } = python as { readonly bin: string }
      const programs = cleanup.use(new Programs({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }))
      return programs.start(`${bin}/opentelemetry-instrument`, [`${bin}/python`, 'test/fixtures/mesh_service.py'], {
        OTEL_SERVICE_NAME: 'Python',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_EXPORTER_OTLP_TIMEOUT: '300',
        OTEL_BSP_SCHEDULE_DELAY: '200',
        ...patience,
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_PYTHON_FASTAPI_EXCLUDED_URLS: 'stop',
        OTEL_LOGS_EXPORTER: 'none',
        OPENAI_API_KEY: 'any',
        OPENAI_BASE_URL: model.baseUrl,
      })
    }

    /** The runs are opened here: one more process, with its own spans in the same store. */
    async function runAll(first: string, { pythonUrl, redisUrl }: MeshPlaces): Promise<void> {
      await using recorded = recordSpans()
      await using queue = Object.assign(new Queue('mesh', { connection: { url: redisUrl } }), {
        [Symbol.asyncDispose]: () => queue.close(),
      })
      const unhook = carryRuns({ to: [first, pythonUrl].map((url) => new URL(url).host) })
      const get = tool('ask', async (url: string) => void (await (await fetch(url)).text()))
      const errands = {
        q: async (how: string) => void (await queue.add('load', injectRun({ how }))),
        p: (how: string) => get(`${pythonUrl}/summaries/${how}`).catch(() => undefined),
        w: async (how: string, run: Run) => {
          const ref = run.spawn('writer')
          writerIds.push(ref.runId)
          await queue.add('write', { how, ref })
        },
      } as const
      let next = 0
      const work = async (): Promise<void> => {
        while (next < runCount) {
          const how = ways[next++ % ways.length]!
          const [, own, rest] = /^([qpw]*)(.*)$/.exec(how)!
          const { runId } = await wrapAgent('planner', async (run) => {
            for (const errand of own!) await errands[errand as keyof typeof errands](how, run)
            await get(`${first}/work/${rest}`).catch(() => undefined)
          })
          done.push({ runId, how })
        }
      }
      await Promise.all(Array.from({ length: concurrency }, work))
      unhook()
      const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces`, timeoutMillis: 300_000 })
      const own = recorded.inEndOrder
      for (let at = 0; at < own.length; at += 1000) {
        const batch = own.slice(at, at + 1000)
        await new Promise((resolve) => exporter.export(batch, resolve))
      }
      await exporter.shutdown()
    }

    it('every service has worked on runs', () => {
      const services = new Set(spans.map((span) => span.resource.attributes['service.name']))
      for (const name of ['Express 5', 'Fastify 5', 'Hono on Node', 'queue worker', 'Python']) {
        expect(services).toContain(name)
      }
    })

    it('every span is in the right run, below a span that is there', () => {
      const runIds = new Set([...done.map(({ runId }) => runId), ...writerIds])
      expect(runIds.size).toBe(runCount + runCount / 5)
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(runIds)
      const placeOf = new Map(spans.map(({ spanId, traceId }) => [spanId, traceId]))
      const orphans = spans.filter(
        ({ parentSpanId, traceId }) => parentSpanId !== undefined && placeOf.get(parentSpanId) !== traceId,
      )
      expect(orphans.map(({ name }) => name)).toEqual([])
      expect(placeOf.size).toBe(spans.length)
    })

    it('every link leads to a span that is there', () => {
      const there = new Set(spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`))
      const links = spans.flatMap((span) => span.links)
      // Of each spawned run there is one in either direction.
      expect(links).toHaveLength(2 * writerIds.length)
      expect(links.filter(({ traceId, spanId }) => !there.has(`${traceId}/${spanId}`))).toEqual([])
    })

    it('every root that says complete has the model server’s bill for its run; every other says why not', () => {
      for (const { runId, how } of [...done, ...writerIds.map((id) => ({ runId: id, how: 'writer' }))]) {
        const { root, spans: of } = runs.get(runId)!
        const isComplete = root!.attributes['runspan.rollup.complete'] === true
        const reasons = (root!.attributes['runspan.rollup.incomplete_reasons'] ?? []) as readonly string[]
        if (isComplete) expect(numbersOf(root!), how).toEqual(billOf(runId))
        expect(reasons.length === 0, how).toBe(isComplete)
        // Where a request failed on its way, nobody knows what became of it. Otherwise a run is incomplete for what was
        // done with it, and for nothing else.
        if (!of.some(hasFailedOnItsWay)) expect(reasons, `${how} ${runId}`).toEqual(reasonsOf(how))
      }
    })

    it('every part that is incomplete says why', () => {
      const incomplete = spans.filter((span) => span.attributes['runspan.rollup.complete'] === false)
      expect(incomplete.length).toBeGreaterThan(0)
      const silent = incomplete.filter((span) => span.attributes['runspan.rollup.incomplete_reasons'] === undefined)
      expect(silent.map(({ name }) => name)).toEqual([])
    })

    it('the leaves in the store come to the whole bill', () => {
      const bill = sumBill(model.ledger)
      const leaves = spans.filter(isLeaf)
      const sum = (key: string): number => leaves.reduce((total, leaf) => total + Number(leaf.attributes[key] ?? 0), 0)
      const failed = leaves.filter(hasFailedWithoutAnswer)
      expect([leaves.length, sum('gen_ai.usage.input_tokens'), sum('gen_ai.usage.output_tokens')]).toEqual([
        bill.calls + failed.length,
        bill.inputTokens,
        bill.outputTokens,
      ])
    })

    it('every run, as readers find it, comes to its bill: what Python did is counted by them, and once', () => {
      for (const { runId, how } of done) {
        const { totals, foreignParts, spans: of } = runs.get(runId)!
        expect([totals.llmCalls, totals.inputTokens, totals.outputTokens], how).toEqual(billOf(runId))
        const asked = of.filter(({ name, kind }) => name === 'GET /summaries/{how}' && kind === 'server')
        expect(foreignParts.map(({ service, span }) => [service, span.spanId])).toEqual(
          asked.map(({ spanId }) => ['Python', spanId]),
        )
      }
    })

    /** What a run was billed, and calls that failed before the model had heard of them. */
    function billOf(runId: string): readonly number[] {
      const { calls, inputTokens, outputTokens } = sumBill(bills.get(runId) ?? [])
      const failed = runs.get(runId)!.spans.filter((span) => isLeaf(span) && hasFailedWithoutAnswer(span))
      return [calls + failed.length, inputTokens, outputTokens]
    }

    // Last, so that what it says is there where something above has failed.
    it('says how many requests failed on their way', () => {
      const failed = [...runs.values()].filter((run) => run.spans.some(hasFailedOnItsWay))
      const calls = spans.filter((span) => isLeaf(span) && hasFailedWithoutAnswer(span))
      const complete = [...runs.values()].filter(({ root }) => root?.attributes['runspan.rollup.complete'] === true)
      console.log(
        `${runs.size} runs, ${spans.length} spans, ${model.ledger.length} calls billed in ${seconds} s; ` +
          `${complete.length} complete; failed on their way: requests of ${failed.length} runs, ${calls.length} calls`,
      )
      // A machine that is busy with other work loses some; one that loses many tests something else.
      expect(failed.length + calls.length).toBeLessThanOrEqual(spans.length * 0.01)
    })
  },
)

async function stop(service: FixtureProcess): Promise<void> {
  service.send('stop')
  expect(await service.message()).toEqual({ status: 'completed' })
}

/** Why a run is not complete to which that is done. */
function reasonsOf(how: string): readonly string[] {
  const [, own = '', rest = ''] = /^([qpw]*)(.*)$/.exec(how)!
  return [
    // Nobody hears what comes of a job.
    ...(own.includes('q') ? ['shared'] : []),
    // A service without Runspan does not say what its part came to, and one that misses something says that it does.
    ...(/[cqp]/.test(rest) ? ['partial'] : []),
    ...(own.includes('p') ? ['no_answer'] : []),
  ]
}

function isLeaf({ attributes }: StoredSpan): boolean {
  return attributes['gen_ai.operation.name'] === 'chat'
}

function hasFailedWithoutAnswer({ status, attributes }: StoredSpan): boolean {
  return status.code === 'error' && attributes['gen_ai.usage.input_tokens'] === undefined
}

/** A tool of ours that did not get the answer it was to fetch. */
function hasFailedOnItsWay({ name, status, attributes }: StoredSpan): boolean {
  return name.startsWith('execute_tool') && status.code === 'error' && attributes['error.type'] !== undefined
}

function numbersOf({ attributes }: StoredSpan): readonly unknown[] {
  const keys = ['calls.llm', 'usage.input_tokens', 'usage.output_tokens']
  return keys.map((key) => Number(attributes[`runspan.${key}`]))
}
