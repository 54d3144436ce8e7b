import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Bill } from '../../examples/model-server/ledger.ts'
import type { DemoReport, DemoRun } from '../../examples/research-team/demo/report.ts'
import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_INPUT_TOKENS,
  ATTR_GEN_AI_USAGE_OUTPUT_TOKENS,
  ATTR_RUNSPAN_CALLS_LLM,
  ATTR_RUNSPAN_CALLS_TOOL,
  ATTR_RUNSPAN_CHILD_RUN_ID,
  ATTR_RUNSPAN_COST_NANO_USD,
  ATTR_RUNSPAN_COST_SOURCE,
  ATTR_RUNSPAN_LINK_TYPE,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_ROLLUP_COMPLETE,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_RUN_DETACHED,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_RUNSPAN_SEGMENT,
  ATTR_RUNSPAN_SPANS,
  ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_INPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS,
  ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS,
} from '../../src/attributes.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { startReceiver } from '../../src/viewer/receiver/index.ts'
import { saysOpen } from '../support/says-open.ts'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const execute = promisify(execFile)

describe('the demo, with a receiver of the test in place of a collector', () => {
  let report: DemoReport
  let spans: StoredSpan[]

  beforeAll(async () => {
    spans = []
    const receiver = await startReceiver({ port: 0, onSpans: (received) => void spans.push(...received) })
    afterAll(() => receiver.close())
    const { stdout } = await runDemo(['--json'], { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })
    report = JSON.parse(stdout)
  }, 60_000)

  it('makes planner, executor and writer one run each, in one trace each', () => {
    expect(report.runs.map(({ agent }) => agent)).toEqual(['planner', 'executor', 'writer'])
    for (const run of report.runs) {
      const roots = spans.filter((span) => span.traceId === run.runId && span.parentSpanId === undefined)
      expect(roots).toHaveLength(1)
      expect(roots[0]).toMatchObject({
        name: `invoke_agent ${run.agent}`,
        kind: 'internal',
        status: { code: 'unset' },
        attributes: {
          [ATTR_RUNSPAN_RUN_ID]: run.runId,
          [ATTR_RUNSPAN_RUN_STATUS]: 'completed',
          [ATTR_GEN_AI_AGENT_NAME]: run.agent,
          [ATTR_GEN_AI_CONVERSATION_ID]: report.conversationId,
        },
      })
    }
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set(report.runs.map((run) => run.runId)))
  })

  it('links the executor and the writer to the planner, and back', () => {
    const planner = runOf('planner')
    expect(rootOf(planner).attributes).not.toHaveProperty(ATTR_RUNSPAN_PARENT_RUN_ID)
    for (const child of [runOf('executor'), runOf('writer')]) {
      const root = rootOf(child)
      expect(root.attributes[ATTR_RUNSPAN_PARENT_RUN_ID]).toBe(planner.runId)
      const dispatches = spansOf(planner).filter((span) => span.attributes[ATTR_RUNSPAN_CHILD_RUN_ID] === child.runId)
      expect(dispatches).toHaveLength(1)
      const [dispatch] = dispatches as [StoredSpan]
      expect(dispatch.links.map(targetOf)).toEqual([targetOf(root)])
      expect(root.links.map(targetOf)).toContainEqual(targetOf(dispatch))
      const targets = new Set(spans.map(targetOf))
      expect(root.links.filter((link) => !targets.has(targetOf(link)))).toEqual([])
      expect(dispatch.attributes).not.toHaveProperty(ATTR_GEN_AI_USAGE_INPUT_TOKENS)
    }
    const typesOf = (agent: string) => rootOf(runOf(agent)).links.map((link) => link.attributes[ATTR_RUNSPAN_LINK_TYPE])
    expect(typesOf('executor')).toContain('parent')
    expect(typesOf('writer')).toEqual(['spawn'])
    expect(rootOf(runOf('writer')).attributes[ATTR_RUNSPAN_RUN_DETACHED]).toBe(true)
    expect(rootOf(runOf('executor')).attributes).not.toHaveProperty(ATTR_RUNSPAN_RUN_DETACHED)
  })

  it('shows search as segments of the executor’s run, below the tool calls that made them', () => {
    const executor = runOf('executor')
    const segments = spans.filter((span) => span.attributes[ATTR_RUNSPAN_SEGMENT] === true)
    expect(segments.map((segment) => [segment.traceId, serviceOf(segment)])).toEqual([
      [executor.runId, 'search'],
      [executor.runId, 'search'],
    ])
    for (const segment of segments) {
      expect(parentOf(segment)).toMatchObject({ name: 'execute_tool search' })
      expect(parentOf(segment).resource.attributes).toMatchObject({ 'service.name': 'executor' })
    }
    const names = spansOf(executor)
      .filter((span) => serviceOf(span) === 'search')
      .map((span) => span.name)
    expect(names).toContain('retrieval library')
    expect(names).toContain('chat gpt-4.1-nano')
  })

  it.each(['planner', 'executor', 'writer'])('sums up for %s what the model server billed, to the token', (agent) => {
    const run = runOf(agent)
    const rollups = spansOf(run).filter(({ attributes }) => {
      const scope = attributes[ATTR_RUNSPAN_ROLLUP_SCOPE]
      return scope === 'run' || scope === 'segment'
    })
    expect(run.bill.inputTokens).toBeGreaterThan(0)
    expect(rollupOf([rootOf(run)])).toEqual(run.billByService[agent])
    expect(rollupOf(rollups)).toEqual(run.bill)
  })

  it('has cached and reasoning tokens on the bill, so that the sums above are of something', () => {
    expect(runOf('planner').bill.cachedInputTokens).toBeGreaterThan(0)
    expect(runOf('executor').bill.cachedInputTokens).toBeGreaterThan(0)
    expect(runOf('executor').bill.reasoningOutputTokens).toBeGreaterThan(0)
    expect(runOf('executor').billByService['search']?.inputTokens).toBeGreaterThan(0)
    expect(report.ledger.filter((entry) => entry.runId === undefined).map((entry) => entry.endpoint)).toEqual([
      '/v1/embeddings',
    ])
  })

  it.each(['planner', 'executor', 'writer'])('gives another number for %s than adding up gen_ai.usage', (agent) => {
    const run = runOf(agent)
    const addedUp = (key: string) => sumOf(spansOf(run), key)
    expect(addedUp(ATTR_GEN_AI_USAGE_INPUT_TOKENS)).toBeGreaterThan(run.bill.inputTokens)
    expect(addedUp(ATTR_GEN_AI_USAGE_OUTPUT_TOKENS)).toBeGreaterThan(run.bill.outputTokens)
    if (run.bill.cachedInputTokens > 0) {
      expect(addedUp(ATTR_GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS)).toBeGreaterThan(run.bill.cachedInputTokens)
    }
  })

  it('counts calls and prices all of them', () => {
    expect(attributesOf('planner')).toMatchObject({ [ATTR_RUNSPAN_CALLS_LLM]: 3, [ATTR_RUNSPAN_CALLS_TOOL]: 2 })
    expect(attributesOf('executor')).toMatchObject({ [ATTR_RUNSPAN_CALLS_LLM]: 3, [ATTR_RUNSPAN_CALLS_TOOL]: 2 })
    expect(attributesOf('writer')).toMatchObject({ [ATTR_RUNSPAN_CALLS_LLM]: 1 })
    expect(attributesOf('writer')).not.toHaveProperty(ATTR_RUNSPAN_CALLS_TOOL)
    for (const run of report.runs) {
      const { attributes } = rootOf(run)
      expect(attributes[ATTR_RUNSPAN_COST_SOURCE]).toBe('priced')
      expect(attributes[ATTR_RUNSPAN_COST_NANO_USD]).toBeGreaterThan(0)
    }
  })

  it('keeps the writer’s run open until its stream has ended', () => {
    const [written] = report.reports
    if (written === undefined) throw new Error('No report was written.')
    const { startUnixNano, endUnixNano, attributes } = rootOf(runOf('writer'))
    expect(written.runId).toBe(runOf('writer').runId)
    expect(written.lastChunkMillis - written.firstChunkMillis).toBeGreaterThan(300)
    expect(millis(startUnixNano)).toBeLessThan(written.firstChunkMillis)
    // The stream's end follows its last chunk; clocks of the SDK and of `Date.now` differ by up to a millisecond.
    expect(millis(endUnixNano)).toBeGreaterThanOrEqual(written.lastChunkMillis - 1)
    expect(attributes[ATTR_RUNSPAN_ROLLUP_COMPLETE]).toBe(true)
    const later = spansOf(runOf('writer')).filter((span) => span.endUnixNano > endUnixNano)
    expect(later.map((span) => span.name)).toEqual([])
  })

  it.each(['planner', 'executor', 'writer'])('delivers every span of %s exactly once', (agent) => {
    const run = runOf(agent)
    const received = spansOf(run)
    expect(new Set(received.map((span) => span.spanId)).size).toBe(received.length)
    expect(received.filter((span) => span.parentSpanId !== undefined && !parentOf(span))).toEqual([])
    for (const service of new Set(received.map(serviceOf))) {
      const own = received.filter((span) => serviceOf(span) === service && !saysOpen(span.name))
      const counted = sumOf(
        own.filter((span) => span.attributes[ATTR_RUNSPAN_ROLLUP_SCOPE] !== 'agent'),
        ATTR_RUNSPAN_SPANS,
      )
      // In the planner's trace the executor leaves two spans that are in nobody's part: its server span and, below
      // that, the one that says which run it started.
      const expected = agent === 'planner' && service === 'executor' ? own.length - 2 : own.length
      expect([service, counted]).toEqual([service, expected])
    }
  })

  function runOf(agent: string): DemoRun {
    const run = report.runs.find((candidate) => candidate.agent === agent)
    if (run === undefined) throw new Error(`There is no run of ${agent}.`)
    return run
  }

  function spansOf(run: DemoRun): StoredSpan[] {
    return spans.filter((span) => span.traceId === run.runId)
  }

  function rootOf(run: DemoRun): StoredSpan {
    const root = spansOf(run).find((span) => span.parentSpanId === undefined)
    if (root === undefined) throw new Error(`Run ${run.runId} has no root.`)
    return root
  }

  function attributesOf(agent: string): StoredSpan['attributes'] {
    return rootOf(runOf(agent)).attributes
  }

  function parentOf(span: StoredSpan): StoredSpan {
    const parent = spans.find(
      (candidate) => candidate.traceId === span.traceId && candidate.spanId === span.parentSpanId,
    )
    if (parent === undefined) throw new Error(`The parent of ${span.name} did not arrive.`)
    return parent
  }
})

describe('the demo, for people', () => {
  it('prints the family as a tree, with the bill of each run beside it', async () => {
    const { stdout, stderr } = await runDemo([], {})
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^planner +completed .*\n.*Can tidal power replace a coal plant\?/m)
    expect(stdout).toMatch(/^├─ executor +completed /m)
    expect(stdout).toMatch(/^│ {2}╰┄ search ×2: POST \/search +joined /m)
    expect(stdout).toMatch(/^╰─ writer +completed .*\n.*detached · Write the report/m)
    expect(stdout).toMatch(/^family of 3 runs .*\$0\.\d+/m)
    // They called services, and nobody knows whether all parts of those have come.
    expect(stdout).toMatch(/^handed to others, who may have parts that have not come: planner, executor$/m)
    const tokens = String.raw`([\d,]+ \/ [\d,]+ \/ [\d,]+)`
    const bills = stdout.matchAll(new RegExp(`^ {2}(\\w+) +${tokens} +${tokens} +${tokens}$`, 'gm'))
    const rows = [...bills].map(([, agent, rollup, billed, addedUp]) => ({
      agent,
      right: rollup === billed,
      naive: addedUp === billed,
    }))
    expect(rows).toEqual([
      { agent: 'planner', right: true, naive: false },
      { agent: 'executor', right: true, naive: false },
      { agent: 'writer', right: true, naive: false },
    ])
  }, 60_000)

  it('says what went wrong and leaves with 1', async () => {
    const failed = await runDemo(['--question', ''], {}).catch((error: unknown) => error)
    expect(failed).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The demo failed: The planner answered 500'),
    })
  }, 60_000)
})

/** Rejects, with the output, when the demo fails. */
function runDemo(
  options: readonly string[],
  environment: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: _ours, ...inherited } = process.env
  // The tests may run on an older Node; the demo runs on the one that comes with the repository.
  return execute(fromRoot('node_modules/.bin/node'), [fromRoot('examples/research-team/demo.ts'), ...options], {
    env: { ...inherited, ...environment },
    timeout: 60_000,
  })
}

/** A link and a span name the same target alike. */
function targetOf({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string {
  return `${traceId}/${spanId}`
}

function serviceOf(span: StoredSpan): string {
  const name = span.resource.attributes['service.name']
  return typeof name === 'string' ? name : 'unknown'
}

function sumOf(spans: readonly StoredSpan[], key: string): number {
  return spans.reduce((sum, span) => sum + Number(span.attributes[key] ?? 0), 0)
}

/** Rollups in the words of a bill. */
function rollupOf(roots: readonly StoredSpan[]): Bill {
  return {
    calls: sumOf(roots, ATTR_RUNSPAN_CALLS_LLM),
    inputTokens: sumOf(roots, ATTR_RUNSPAN_USAGE_INPUT_TOKENS),
    cachedInputTokens: sumOf(roots, ATTR_RUNSPAN_USAGE_CACHE_READ_INPUT_TOKENS),
    outputTokens: sumOf(roots, ATTR_RUNSPAN_USAGE_OUTPUT_TOKENS),
    reasoningOutputTokens: sumOf(roots, ATTR_RUNSPAN_USAGE_REASONING_OUTPUT_TOKENS),
  }
}

function millis(unixNano: bigint): number {
  return Number(unixNano / 1_000_000n)
}
