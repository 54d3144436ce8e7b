import { setTimeout as delay } from 'node:timers/promises'

import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startCollector, startGateway } from '../../scripts/backends/collector.ts'
import { findPrometheus, startPrometheus } from '../../scripts/backends/prometheus.ts'
import { llm, RunIdGenerator, RunRollupProcessor, tool, wrapAgent, type RunOptions } from '../../src/index.ts'
import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import { serve } from '../../src/viewer/serve/serve.ts'

const found = await findBackends()
const prometheusFound = await findPrometheus()
for (const one of [found, prometheusFound]) if (one.status === 'missing') console.warn(`skipped: ${one.reason}`)

/** A model call that used so many input tokens, twice as many output tokens, and cost a thousandth of a dollar for each. */
const ask = llm('ask', async (tokens: number) => tokens, {
  model: 'house-1',
  provider: 'house',
  extractUsage: (tokens) => ({ inputTokens: tokens, outputTokens: 2 * tokens, costUsd: tokens / 1_000 }),
})
const look = tool('look', async (question: string) => question.length)

/** Runs an agent whose model calls use the given tokens. @returns its run id */
async function run(tokens: readonly number[], options: RunOptions = {}, fails = false): Promise<string> {
  let runId = ''
  const agent = wrapAgent(
    'planner',
    async () => {
      runId = trace.getActiveSpan()!.spanContext().traceId
      for (const used of tokens) await ask(used)
      await look('where?')
      if (fails) throw new Error('no more')
    },
    options,
  )
  await agent.catch(() => undefined)
  return runId
}

/** Exports runs as an application does. */
function exportTo(url: string): NodeTracerProvider {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'planning' }),
    idGenerator: new RunIdGenerator(),
    spanProcessors: [
      new RunRollupProcessor(),
      new BatchSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` }), { maxQueueSize: 10_000 }),
    ],
  })
  provider.register()
  return provider
}

describe.skipIf(found.status === 'missing')('runs of the library', () => {
  beforeAll(async () => void (await ensureBackends()), 900_000)
  afterEach(() => trace.disable())

  it.skipIf(prometheusFound.status === 'missing')(
    'come to the same in the real Prometheus as in their books',
    async () => {
      await using store = await serve({ path: ':memory:', port: 0 })
      await using collector = await startCollector({ jaegerOtlpEndpoint: store.url })
      const binary = prometheusFound.status === 'found' ? prometheusFound.binary : ''
      await using prometheus = await startPrometheus(binary, collector.metricsAddress)
      const provider = exportTo(collector.otlpHttpEndpoint)
      const books = { tokens: 0, completed: 0, failed: 0 }
      // In several requests, more than a scrape apart: sums have to grow.
      for (let round = 0; round < 4; round++) {
        for (let n = 1; n <= 10; n++) {
          const fails = n % 5 === 0
          await run([n, 10 * round], {}, fails)
          books.tokens += n + 10 * round
          books[fails ? 'failed' : 'completed']++
        }
        await provider.forceFlush()
        await delay(1_500)
      }
      await provider.shutdown()

      const sum = async (of: string): Promise<number> => {
        const url = new URL('/api/v1/query', prometheus.url)
        url.searchParams.set('query', `sum(${of})`)
        const { data } = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } }
        return Number(data.result[0]?.value[1])
      }
      const ofAgent = 'gen_ai_agent_name="planner"'
      const status = (is: string): Promise<number> =>
        sum(`runspan_run_count_total{${ofAgent},runspan_run_status="${is}"}`)
      await until(async () => (await status('completed')) + (await status('failed')) === books.completed + books.failed)
      const ofModel = '{gen_ai_request_model="house-1",gen_ai_provider_name="house",service_name="planning"}'
      expect({
        completed: await status('completed'),
        failed: await status('failed'),
        // Of the leaves and of the rollups: each once, in metrics of its own.
        callTokens: await sum(`runspan_call_input_tokens_total${ofModel}`),
        callOutput: await sum(`runspan_call_output_tokens_total${ofModel}`),
        callCost: await sum(`runspan_call_cost_nano_usd_total${ofModel}`),
        runTokens: await sum(`runspan_run_input_tokens_total{${ofAgent}}`),
        runCost: await sum(`runspan_run_cost_nano_usd_total{${ofAgent}}`),
      }).toEqual({
        completed: books.completed,
        failed: books.failed,
        callTokens: books.tokens,
        callOutput: 2 * books.tokens,
        callCost: books.tokens * 1_000_000,
        runTokens: books.tokens,
        runCost: books.tokens * 1_000_000,
      })
    },
  )

  it('are kept by the gateway where they failed, were expensive or are marked; others are not', async () => {
    await using store = await serve({ path: ':memory:', port: 0 })
    await using gateway = await startGateway({
      storeOtlpEndpoint: store.url,
      longestRun: '60s',
      afterRoot: '1s',
      basePercent: 0,
    })
    const provider = exportTo(gateway.otlpHttpEndpoint)
    const kept = [
      await run([1], {}, true),
      await run([300, 201]),
      await run([1], { attributes: { 'app.run.keep': true } }),
    ]
    const dropped = [await run([300, 200]), await run([1])]
    await provider.forceFlush()
    const reader = createServeReader(store.url)
    for (const runId of kept) await until(async () => (await reader.getRun(runId)) !== undefined)
    // All of them came together, and are decided a second after their roots. One that comes later is decided after them.
    const control = await run([1], {}, true)
    await provider.shutdown()
    await until(async () => (await reader.getRun(control)) !== undefined)
    for (const runId of dropped) expect(await reader.getRun(runId)).toBeUndefined()
    for (const runId of kept) expect((await reader.getRun(runId))?.flags).toEqual([])
    expect((await reader.listRuns()).total).toBe(kept.length + 1)
  })
})

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === 300) throw new Error('Failed to see what was waited for.')
    await delay(200)
  }
}
