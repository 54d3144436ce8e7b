import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { DemoReport, DemoRun } from '../../examples/research-team/demo/report.ts'
import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startCollector } from '../../scripts/backends/collector.ts'
import { waitForTrace, type StoredSpan } from '../../scripts/backends/jaeger-api.ts'
import { startJaeger } from '../../scripts/backends/jaeger.ts'
import {
  ATTR_RUNSPAN_CHILD_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_SEGMENT,
  ATTR_RUNSPAN_SPANS,
  ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS,
} from '../../src/attributes.ts'

const execute = promisify(execFile)
const backends = await findBackends()
if (backends.status === 'missing') console.log(`skipped, the demo through a Collector into Jaeger: ${backends.reason}`)

describe.skipIf(backends.status === 'missing')('the demo, through the Collector into Jaeger', () => {
  let report: DemoReport
  const traces = new Map<string, readonly StoredSpan[]>()
  const stack = new AsyncDisposableStack()

  beforeAll(async () => {
    await ensureBackends()
    const jaeger = stack.use(await startJaeger())
    const collector = stack.use(await startCollector({ jaegerOtlpEndpoint: jaeger.otlpHttpEndpoint }))
    const { stdout } = await execute(
      process.execPath,
      [fileURLToPath(new URL('../../examples/research-team/demo.ts', import.meta.url)), '--json'],
      { env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpHttpEndpoint }, timeout: 90_000 },
    )
    report = JSON.parse(stdout) as DemoReport
    for (const { runId } of report.runs) {
      traces.set(runId, await waitForTrace(jaeger.queryUrl, runId, { until: isWhole, timeoutMillis: 30_000 }))
    }
  }, 900_000)

  afterAll(() => stack.disposeAsync())

  it('stores one trace per run, each with one root', () => {
    expect(report.runs.map((run) => run.agent)).toEqual(['planner', 'executor', 'writer'])
    for (const run of report.runs) {
      const roots = spansOf(run).filter((span) => span.parentSpanId === undefined)
      expect(roots.map((root) => root.name)).toEqual([`invoke_agent ${run.agent}`])
      expect(roots[0]!.spanId).toBe(run.runId.slice(16))
    }
  })

  it('keeps every link between the runs resolvable, in both directions', () => {
    const planner = runOf('planner')
    for (const child of [runOf('executor'), runOf('writer')]) {
      const root = rootOf(child)
      expect(root.attributes[ATTR_RUNSPAN_PARENT_RUN_ID]).toBe(planner.runId)
      const dispatch = spansOf(planner).find((span) => span.attributes[ATTR_RUNSPAN_CHILD_RUN_ID] === child.runId)
      expect(dispatch?.links.map((link) => `${link.traceId} ${link.spanId}`)).toEqual([
        `${root.traceId} ${root.spanId}`,
      ])
      expect(root.links.map((link) => `${link.traceId} ${link.spanId}`)).toContain(
        `${planner.runId} ${dispatch!.spanId}`,
      )
    }
    const known = new Set([...traces.values()].flat().map((span) => `${span.traceId} ${span.spanId}`))
    const links = [...traces.values()].flat().flatMap((span) => span.links)
    expect(links.length).toBeGreaterThanOrEqual(4)
    expect(links.filter((link) => !known.has(`${link.traceId} ${link.spanId}`))).toEqual([])
  })

  it.each(['planner', 'executor', 'writer'])(
    'has on the root of %s what the model server billed its process',
    (agent) => {
      const run = runOf(agent)
      const { attributes } = rootOf(run)
      const bill = run.billByService[agent]!
      expect({
        input: attributes[ATTR_RUNSPAN_USAGE_INPUT_TOKENS],
        cached: attributes[ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS] ?? 0,
        output: attributes[ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS],
      }).toEqual({ input: bill.inputTokens, cached: bill.cachedInputTokens, output: bill.outputTokens })
    },
  )

  it('has the search service’s part of the bill on its segments', () => {
    const run = runOf('executor')
    const segments = spansOf(run).filter((span) => span.attributes[ATTR_RUNSPAN_SEGMENT] === true)
    expect(segments.map((segment) => segment.resource['service.name'])).toEqual(['search', 'search'])
    const input = segments.reduce(
      (sum, segment) => sum + Number(segment.attributes[ATTR_RUNSPAN_USAGE_INPUT_TOKENS] ?? 0),
      0,
    )
    expect(input).toBe(run.billByService['search']!.inputTokens)
  })

  function runOf(agent: string): DemoRun {
    return report.runs.find((run) => run.agent === agent)!
  }

  function spansOf(run: DemoRun): readonly StoredSpan[] {
    return traces.get(run.runId)!
  }

  function rootOf(run: DemoRun): StoredSpan {
    return spansOf(run).find((span) => span.parentSpanId === undefined)!
  }
})

/** Whether as many spans are there as the rollups of the run and its segments speak of. */
function isWhole(spans: readonly StoredSpan[]): boolean {
  const rollups = spans.filter(({ attributes }) =>
    ['run', 'segment'].some((scope) => attributes[ATTR_RUNSPAN_ROLLUP_SCOPE] === scope),
  )
  const announced = rollups.reduce((sum, { attributes }) => sum + Number(attributes[ATTR_RUNSPAN_SPANS]), 0)
  return rollups.some((span) => span.parentSpanId === undefined) && spans.length >= announced
}
