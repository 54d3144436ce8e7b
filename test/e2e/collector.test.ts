import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { z } from 'zod'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import {
  startCollector,
  startGateway,
  validateCollectorConfig,
  type RunningCollector,
} from '../../scripts/backends/collector.ts'
import { findPrometheus, startPrometheus, type RunningPrometheus } from '../../scripts/backends/prometheus.ts'
import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { serve, type Served } from '../../src/viewer/serve/serve.ts'
import { ledgerFamilies } from '../support/family-ledger.ts'
import { manyId, manySpans } from '../support/many-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const found = await findBackends()
const prometheusFound = await findPrometheus()
for (const one of [found, prometheusFound]) if (one.status === 'missing') console.warn(`skipped: ${one.reason}`)

const deploy = (file: string): string => fileURLToPath(new URL(`../../deploy/${file}`, import.meta.url))

describe.skipIf(found.status === 'missing')('the gateway', () => {
  beforeAll(async () => void (await ensureBackends()), 900_000)

  it('has configurations that the Collector accepts, for a store and for Kafka', async () => {
    await validateCollectorConfig(deploy('collector-gateway.yaml'))
    await validateCollectorConfig(deploy('collector-gateway.yaml'), deploy('collector-gateway-kafka.yaml'))
  })

  it('stands behind nodes whose configuration the Collector accepts, but for load_balancing, which a schema checks', async () => {
    const text = readFileSync(deploy('collector-node.yaml'), 'utf8')
    const config = parse(text) as { exporters: { load_balancing: unknown } }
    loadBalancing.parse(config.exporters.load_balancing)
    // The control: a misspelt key is found.
    expect(loadBalancing.safeParse({ ...(config.exporters.load_balancing as object), routing: 'x' }).success).toBe(
      false,
    )
    const directory = await mkdtemp(join(tmpdir(), 'runspan-node-'))
    const file = join(directory, 'node.yaml')
    const known = { ...config, exporters: { otlp_http: { endpoint: 'http://127.0.0.1:9' } } }
    await writeFile(file, stringify(known).replaceAll('- load_balancing', '- otlp_http'))
    await validateCollectorConfig(file)
    await rm(directory, { recursive: true })
  })

  it('keeps failed, expensive, slow and marked runs, whose roots end last, and a share of the others', async () => {
    await using store = await serve({ path: ':memory:', port: 0 })
    await using gateway = await startGateway({
      storeOtlpEndpoint: store.url,
      longestRun: '60s',
      afterRoot: '1s',
      basePercent: 5,
    })
    const kept = [
      changed(1, (root) => ({ ...root, status: { code: 'error', message: 'no' } })),
      changed(2, (root) => ({ ...root, attributes: { ...root.attributes, 'runspan.cost.nano_usd': 500_000_001 } })),
      changed(3, (root) => ({ ...root, endUnixNano: root.startUnixNano + 601_000_000_000n })),
      changed(4, (root) => ({ ...root, attributes: { ...root.attributes, 'app.run.keep': true } })),
    ]
    const ordinary = Array.from({ length: 400 }, (_, at) => manySpans(100 + at, 3))
    const all = [...kept, ...ordinary]
    // The parts come first, the roots after them: what decides is not there when the trace begins.
    await send(
      gateway.otlpHttpEndpoint,
      all.flatMap((run) => run.filter(({ parentSpanId }) => parentSpanId !== undefined)),
    )
    await send(
      gateway.otlpHttpEndpoint,
      all.flatMap((run) => run.filter(({ parentSpanId }) => parentSpanId === undefined)),
    )
    const reader = createServeReader(store.url)
    const spanCount = async (index: number): Promise<number | undefined> =>
      (await reader.getRun(manyId(index), { maxSpans: 0 }))?.spanCount
    for (const index of [1, 2, 3, 4]) await until(async () => (await spanCount(index)) === 3)
    // The base share is decided by trace id: the same ids are kept each time.
    await until(async () => ((await reader.listRuns({}, { limit: 1 })).total ?? 0) > 4)
    const { total = 0 } = await reader.listRuns({}, { limit: 1 })
    expect(total - 4).toBeGreaterThan(0)
    expect(total - 4).toBeLessThan(60)
    for (const { totals } of (await reader.listRuns({}, { limit: 100 })).items) expect(totals.llmCalls).toBe(2)
  })
})

describe.skipIf(found.status === 'missing' || prometheusFound.status === 'missing')('metrics of the Collector', () => {
  let store: Served
  let collector: RunningCollector
  let prometheus: RunningPrometheus
  const books = { callTokens: 0, callCost: 0, runs: 0, runTokens: 0, segmentCost: 0 }
  beforeAll(async () => {
    await ensureBackends()
    store = await serve({ path: ':memory:', port: 0 })
    collector = await startCollector({ jaegerOtlpEndpoint: store.url })
    prometheus = await startPrometheus(
      prometheusFound.status === 'found' ? prometheusFound.binary : '',
      collector.metricsAddress,
    )
    // In several requests, some seconds apart: sums have to grow, not to start again.
    for (const { spans } of ledgerFamilies(6)) {
      await send(collector.otlpHttpEndpoint, spans)
      for (const { attributes } of spans) {
        const number = (key: string): number => Number(attributes[key] ?? 0)
        books.callTokens += number('gen_ai.usage.input_tokens')
        if (attributes['runspan.rollup.scope'] === 'run') {
          books.runs++
          books.runTokens += number('runspan.usage.input_tokens')
        } else books.segmentCost += number('runspan.cost.nano_usd')
      }
      await delay(300)
    }
    const priced = manySpans(5_000, 11)
    await send(collector.otlpHttpEndpoint, priced)
    books.callTokens += 1_000
    books.callCost += 500
    books.runs++
    books.runTokens += 1_000
    await until(async () => (await sum('runspan_run_count_total')) === books.runs)
  }, 900_000)
  afterAll(async () => {
    await prometheus?.stop()
    await collector?.stop()
    await store?.close()
  })

  /** One number of Prometheus. */
  async function sum(metric: string): Promise<number> {
    const { result } = await query(`sum(${metric})`)
    return Number(result[0]?.value?.[1] ?? Number.NaN)
  }

  async function query(expression: string): Promise<{ result: { value?: [number, string] }[] }> {
    const url = new URL('/api/v1/query', prometheus.url)
    url.searchParams.set('query', expression)
    const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: { result: [] } }
    expect(answer.status, `${expression}: ${answer.error}`).toBe('success')
    return answer.data
  }

  it('are, in the real Prometheus, what the books say', async () => {
    expect(await sum('runspan_call_input_tokens_total')).toBe(books.callTokens)
    expect(await sum('runspan_call_cost_nano_usd_total')).toBe(books.callCost)
    expect(await sum('runspan_run_count_total')).toBe(books.runs)
    expect(await sum('runspan_run_input_tokens_total')).toBe(books.runTokens)
    expect(await sum('runspan_segment_cost_nano_usd_total')).toBe(books.segmentCost)
  })

  it('take spans whose values are none, and count nothing for them', async () => {
    const before = await sum('runspan_call_input_tokens_total')
    const [, call] = manySpans(6_000, 2)
    for (const value of ['many', null, ['a']]) {
      const attributes = {
        'gen_ai.operation.name': 'chat',
        'gen_ai.usage.input_tokens': value,
        'gen_ai.usage.output_tokens': value,
        'runspan.call.cost.nano_usd': value,
      }
      await send(collector.otlpHttpEndpoint, [{ ...call!, attributes }])
    }
    // What comes after them is counted.
    const runs = await sum('runspan_run_count_total')
    await send(collector.otlpHttpEndpoint, manySpans(6_001, 1))
    await until(async () => (await sum('runspan_run_count_total')) === runs + 1)
    expect(await sum('runspan_call_input_tokens_total')).toBe(before)
  })

  it('have no run id among their labels', async () => {
    const names = (await (await fetch(new URL('/api/v1/labels', prometheus.url))).json()) as { data: string[] }
    expect(names.data).toContain('gen_ai_agent_name')
    expect(names.data.filter((name) => /run_id|trace_id|conversation/.test(name))).toEqual([])
  })

  const dashboards = readdirSync(deploy('grafana/dashboards')).map(
    (file) => [file, JSON.parse(readFileSync(deploy(`grafana/dashboards/${file}`), 'utf8')) as Dashboard] as const,
  )

  it.each(
    dashboards.flatMap(([file, { panels }]) =>
      panels.flatMap(({ title, targets }) =>
        targets.flatMap(({ expr }) => (expr === undefined ? [] : [[`${file}: ${title}`, expr] as const])),
      ),
    ),
  )('answer what %s asks, with names that exist', async (_, expr) => {
    const filled = expr.replaceAll('$__rate_interval', '1m').replaceAll('$__range', '1h').replaceAll('$agent', '.*')
    await query(filled)
    // Of each metric there is a series; a misspelt one would answer nothing for ever.
    for (const [metric] of filled.matchAll(/runspan_\w+/g)) {
      if (metric.startsWith('runspan_run_status')) continue
      await until(async () => (await query(metric)).result.length > 0)
    }
  })

  it('have dashboards whose data sources are provisioned, under ids of their own', () => {
    const sources = new Set(['prometheus', 'tempo', 'jaeger'])
    const uids = dashboards.map(([, { uid }]) => uid)
    expect(new Set(uids).size).toBe(uids.length)
    for (const [, { panels }] of dashboards) {
      for (const { datasource, targets } of panels) {
        expect(sources).toContain(datasource.uid)
        for (const target of targets) expect(target.expr ?? target.query).toBeTruthy()
      }
    }
  })
})

/** The keys of the exporter that `deploy/collector-node.yaml` may use, as its documentation at 0.155 has them. */
const duration = z.string().regex(/^\d+(ms|s|m|h)$/)
const retry = z.strictObject({ enabled: z.boolean().optional(), max_elapsed_time: duration.optional() })
const loadBalancing = z.strictObject({
  routing_key: z.enum(['traceID', 'service', 'metric', 'resource', 'streamID', 'attributes']),
  resolver: z.strictObject({
    dns: z.strictObject({
      hostname: z.string(),
      port: z.string(),
      interval: duration.optional(),
      timeout: duration.optional(),
    }),
  }),
  protocol: z.strictObject({
    otlp: z.strictObject({
      tls: z.strictObject({ insecure: z.boolean() }).optional(),
      retry_on_failure: retry.optional(),
    }),
  }),
  retry_on_failure: retry.optional(),
  sending_queue: z.strictObject({ enabled: z.boolean(), storage: z.string() }).optional(),
})

interface Dashboard {
  readonly uid: string
  readonly panels: readonly {
    readonly title: string
    readonly datasource: { readonly uid: string }
    readonly targets: readonly { readonly expr?: string; readonly query?: string }[]
  }[]
}

/** One of many runs whose root is another. The root comes last. */
function changed(index: number, change: (root: StoredSpan) => StoredSpan): readonly StoredSpan[] {
  const [root, ...calls] = manySpans(index, 3)
  return [...calls, change(root!)]
}

async function send(url: string, spans: readonly StoredSpan[]): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body: otlpJson(spans) })
  expect(response.status, await response.text()).toBe(200)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === 200) throw new Error('Failed to see what was waited for.')
    await delay(200)
  }
}
