import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { sumBill } from '../../examples/model-server/ledger.ts'
import { startModelServer, type ModelServer } from '../../examples/model-server/server.ts'
import type { RunTree } from '../../src/query/index.ts'
import { expectTrace } from '../support/trace-text.ts'
import { Programs } from './programs.ts'
import { ensurePython } from './python-packages.ts'
import { startSpanStore, type SpanStore } from './span-store.ts'

const python = ensurePython()
if (python.status === 'missing') {
  if (process.env['RUNSPAN_REQUIRE_ALL'] === '1') throw new Error(python.reason)
  console.warn(`skipped: ${python.reason}`)
}

describe.skipIf(python.status === 'missing')('a FastAPI service with OpenTelemetry and without Runspan', () => {
  let store: SpanStore
  let model: ModelServer
  let programs: Programs
  let run: RunTree

  beforeAll(async () => {
    store = await startSpanStore()
    model = await startModelServer({ latencyMillis: 0 })
    programs = new Programs({ OTEL_EXPORTER_OTLP_ENDPOINT: store.url })
    const { bin } = python as { readonly bin: string }
    const service = programs.start(
      `${bin}/opentelemetry-instrument`,
      [`${bin}/python`, 'examples/recipes/python/service.py'],
      {
        OTEL_SERVICE_NAME: 'summaries',
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
        OTEL_BSP_SCHEDULE_DELAY: '200',
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
        OPENAI_API_KEY: 'any',
        OPENAI_BASE_URL: model.baseUrl,
        PORT: '0',
      },
    )
    const url = await service.said(/(?<=running on )http:[^\s(]+/)
    const planner = programs.node('python/planner.ts', { OTEL_SERVICE_NAME: 'planner', SUMMARIES_URL: url })
    const runId = await planner.line()
    await planner.done
    // uvicorn ends by its signal, and with it whatever waits for export.
    await vi.waitUntil(() => store.run(runId).spans.length === 7, { timeout: 30_000 })
    await service.stop()
    run = store.run(runId)
  })
  afterAll(async () => {
    await programs?.[Symbol.asyncDispose]()
    await model?.close()
    await store?.[Symbol.asyncDispose]()
  })

  it('writes its spans into the run of which it sees a traceparent', () => {
    expectTrace(store.text(run.runId)).toBe(`
      planner: invoke_agent planner
        planner: execute_tool summarise
          summaries: POST /summaries
            summaries: POST /summaries http receive
            summaries: chat gpt-5-mini
            summaries: POST /summaries http send
            summaries: POST /summaries http send
    `)
    // The control: nothing of Runspan is in that service.
    const foreign = run.spans.filter((span) => span.resource.attributes['service.name'] === 'summaries')
    expect(foreign.flatMap((span) => Object.keys(span.attributes)).filter((key) => key.startsWith('runspan.'))).toEqual(
      [],
    )
  })

  it('leaves model calls in the run whose usage is the bill, and a root that says there may be more than it counted', () => {
    const bill = sumBill(model.ledger)
    expect(bill).toMatchObject({ calls: 1 })
    const calls = run.spans.filter((span) => span.attributes['gen_ai.operation.name'] === 'chat')
    expect(calls.map(({ attributes }) => attributes)).toMatchObject([
      { 'gen_ai.usage.input_tokens': bill.inputTokens, 'gen_ai.usage.output_tokens': bill.outputTokens },
    ])
    expect(run.ownTotals).toMatchObject({ llmCalls: 0, toolCalls: 1 })
    expect(run.gaps).toEqual(['elsewhere'])
  })

  it('has its tokens in the totals that readers find, who say that they have counted them, and whose they are', () => {
    const { inputTokens, outputTokens } = sumBill(model.ledger)
    const billed = { llmCalls: 1, inputTokens, outputTokens }
    expect(run.totals).toMatchObject({ ...billed, toolCalls: 1 })
    expect(run.foreignTotals).toMatchObject(billed)
    expect(run.foreignParts).toMatchObject([
      { service: 'summaries', span: { name: 'POST /summaries', kind: 'server' }, totals: billed },
    ])
  })
})
