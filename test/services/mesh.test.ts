import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startModelServer, type ModelServer } from '../../examples/model-server/server.ts'
import { sumBill, type LedgerEntry } from '../../examples/model-server/ledger.ts'
import { carryRuns } from '../../src/export/node.ts'
import { wrapAgent } from '../../src/index.ts'
import { buildFamilies } from '../../src/query/index.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { startReceiver, type Receiver } from '../../src/viewer/receiver/index.ts'
import type { MeshScript } from '../fixtures/mesh-service.ts'
import { recordSpans } from '../support/record-spans.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'

/** `npm run test:mesh` asks for more. */
const runCount = Number(process.env['RUNSPAN_MESH_RUNS'] ?? 40)
const concurrency = Math.min(200, runCount)

/** What each of the three services is to do with a run: answer, stream, fail, crash; the first letters come oftener. */
const ways = ['aaa', 'aaa', 'a', 'aa', 'as', 's', 'aaf', 'faa', 'ac', 'aca'] as const

let model: ModelServer
let receiver: Receiver
let spans: StoredSpan[]
const services: FixtureProcess[] = []

async function start(script: MeshScript): Promise<string> {
  const service = spawnProcess('mesh-service', script, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_SERVICE_NAME: script.framework,
    OTEL_BSP_MAX_QUEUE_SIZE: '100000',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  services.push(service)
  return (await service.message<{ url: string }>()).url
}

describe(`three services in three processes, ${runCount} runs, ${concurrency} at a time`, () => {
  const done: { readonly runId: string; readonly how: string }[] = []
  let first: string

  beforeAll(async () => {
    spans = []
    model = await startModelServer({ latencyMillis: 0 })
    receiver = await startReceiver({ port: 0, onSpans: (received) => void spans.push(...received) })
    const modelUrl = model.baseUrl
    const hono = await start({ framework: 'Hono on Node', modelUrl })
    const fastify = await start({ framework: 'Fastify 5', modelUrl, next: hono })
    first = await start({ framework: 'Express 5', modelUrl, next: fastify })
    await runAll()
    for (const service of services) {
      service.send('stop')
      expect(await service.message()).toEqual({ status: 'completed' })
    }
  }, 1_800_000)

  afterAll(async () => {
    for (const service of services) await service[Symbol.asyncDispose]()
    await receiver.close()
    await model.close()
  })

  /** The runs are opened here: a fourth process, with its own spans in the same store. */
  async function runAll(): Promise<void> {
    await using recorded = recordSpans()
    const stop = carryRuns({ to: [new URL(first).host] })
    let next = 0
    const work = async (): Promise<void> => {
      while (next < runCount) {
        const how = ways[next++ % ways.length]!
        const { runId } = await wrapAgent('planner', async () => {
          await fetch(`${first}/work/${how}`)
            .then((answer) => answer.text())
            .catch(() => undefined)
        })
        done.push({ runId, how })
      }
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    stop()
    const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
    const own = recorded.inEndOrder
    for (let at = 0; at < own.length; at += 1000) {
      const batch = own.slice(at, at + 1000)
      await new Promise((resolve) => exporter.export(batch, resolve))
    }
    await exporter.shutdown()
  }

  it('every span is in the right run, below a span that is there', () => {
    const runIds = new Set(done.map(({ runId }) => runId))
    expect(runIds.size).toBe(runCount)
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(runIds)
    const spanIds = new Set(spans.map(({ spanId }) => spanId))
    const orphans = spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !spanIds.has(parentSpanId))
    expect(orphans.map(({ name }) => name)).toEqual([])
    expect(spanIds.size).toBe(spans.length)
  })

  it('every root that says complete has the model server’s bill for its run; every other says why not', () => {
    const complete = new Map<string, number>()
    const roots = new Map(spans.filter((span) => span.parentSpanId === undefined).map((span) => [span.traceId, span]))
    const entries = new Map<string, LedgerEntry[]>()
    for (const entry of model.ledger) entries.set(entry.runId!, [...(entries.get(entry.runId!) ?? []), entry])
    for (const { runId, how } of done) {
      const root = roots.get(runId)!
      const bill = sumBill(entries.get(runId) ?? [])
      const reasons = root.attributes['runspan.rollup.incomplete_reasons']
      if (root.attributes['runspan.rollup.complete'] === true) {
        complete.set(how, (complete.get(how) ?? 0) + 1)
        expect(reasons, how).toBeUndefined()
        expect(numbersOf(root), how).toEqual([bill.calls, bill.inputTokens, bill.outputTokens])
      } else {
        expect(reasons, how).toEqual([expect.stringMatching(/^(no_answer|partial)$/)])
      }
    }
    // The control: none is complete or incomplete that ought not to be.
    expect([...complete.keys()].toSorted()).toEqual([...new Set(ways.filter(isComplete))].toSorted())
    // A few requests may fail on their way on a busy machine; their runs say so too.
    const expected = done.filter(({ how }) => isComplete(how)).length
    const found = [...complete.values()].reduce((sum, count) => sum + count, 0)
    expect(found).toBeGreaterThanOrEqual(expected * 0.98)
  })

  it('the leaves in the store, and the runs as they are read, come to the whole bill', () => {
    const bill = sumBill(model.ledger)
    const leaves = spans.filter((span) => span.attributes['gen_ai.operation.name'] === 'chat')
    const sum = (key: string): number => leaves.reduce((total, leaf) => total + Number(leaf.attributes[key] ?? 0), 0)
    expect([leaves.length, sum('gen_ai.usage.input_tokens'), sum('gen_ai.usage.output_tokens')]).toEqual([
      bill.calls,
      bill.inputTokens,
      bill.outputTokens,
    ])
    const families = buildFamilies(spans)
    expect(families).toHaveLength(runCount)
    const read = families.map((family) => family.totals)
    expect(read.reduce((total, { llmCalls }) => total + llmCalls, 0)).toBe(bill.calls)
    expect(read.reduce((total, { inputTokens }) => total + inputTokens, 0)).toBe(bill.inputTokens)
  })
})

/** What answers, streams or fails comes home; what crashes does not. */
function isComplete(how: string): boolean {
  return !how.includes('c')
}

function numbersOf({ attributes }: StoredSpan): readonly unknown[] {
  const keys = ['calls.llm', 'usage.input_tokens', 'usage.output_tokens']
  return keys.map((key) => Number(attributes[`runspan.${key}`]))
}
