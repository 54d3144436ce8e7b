import { describe, expect, it } from 'vitest'

import {
  bindRun,
  extractRun,
  injectRun,
  injectTotals,
  joinRun,
  newRunId,
  propagationHeaders,
  recordLlmCall,
  startRun,
  takeTotals,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'
import { spawnProcess } from '../support/spawn-process.ts'
import { foreignTotals } from './foreign-totals.ts'

/** What a segment of another process would reply. */
function replyOf(
  carrier: object,
  segmentId: string,
  state: 'final' | 'partial' = 'final',
): { readonly 'runspan-totals': string } {
  const { runId } = extractRun(carrier)!
  return { 'runspan-totals': foreignTotals(runId, { segmentId, state }) }
}

const one = 'a'.repeat(16)
const two = 'b'.repeat(16)

async function rootAfter(spans: RecordedSpans, work: () => unknown): Promise<Record<string, unknown>> {
  const { runId, ended } = await wrapAgent('planner', work)
  const { totals } = await ended
  const { attributes } = spans.root(runId)
  expect(totals.complete).toBe(attributes['runspan.rollup.complete'])
  return {
    complete: totals.complete,
    reasons: attributes['runspan.rollup.incomplete_reasons'],
    calls: totals.llmCalls,
    segments: attributes['runspan.rollup.remote_segments'],
  }
}

describe('takeTotals', () => {
  it('completes a run once every reply has come, and adds each once', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, () => {
      const first = injectRun({}, { expectReply: true })
      const second = propagationHeaders({ expectReply: true })
      const reply = replyOf(first, one)
      expect(takeTotals(reply)).toBe(reply)
      takeTotals(reply)
      takeTotals(replyOf(second, two))
    })
    expect(root).toEqual({ complete: true, reasons: undefined, calls: 2, segments: 2 })
  })

  it('leaves a run incomplete whose reply does not come, comes twice in place of another, or is partial', async () => {
    await using spans = recordSpans()
    const none = await rootAfter(spans, () => void injectRun({}, { expectReply: true }))
    expect(none).toEqual({ complete: false, reasons: ['no_answer'], calls: 0, segments: undefined })
    const twice = await rootAfter(spans, () => {
      const carrier = injectRun({}, { expectReply: true })
      injectRun({}, { expectReply: true })
      for (const reply of [replyOf(carrier, one), replyOf(carrier, one)]) takeTotals(reply)
    })
    expect(twice).toEqual({ complete: false, reasons: ['no_answer'], calls: 1, segments: 1 })
    const partial = await rootAfter(spans, () =>
      takeTotals(replyOf(injectRun({}, { expectReply: true }), one, 'partial')),
    )
    expect(partial).toEqual({ complete: false, reasons: ['partial'], calls: 0, segments: undefined })
  })

  it('takes the last word after a partial one for the same part', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, () => {
      const carrier = injectRun({}, { expectReply: true })
      takeTotals(replyOf(carrier, one, 'partial'))
      takeTotals(replyOf(carrier, one))
    })
    expect(root).toEqual({ complete: true, reasons: undefined, calls: 1, segments: 1 })
  })

  it('adds a reply that nobody expected, and does not take the run for complete', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, () => takeTotals(replyOf(injectRun({}), one)))
    expect(root).toEqual({ complete: false, reasons: ['shared'], calls: 1, segments: 1 })
  })

  it('counts and leaves out what is about another run or malformed, and lets anything else pass', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const other = { 'runspan-totals': foreignTotals(newRunId()) }
    const root = await rootAfter(spans, () => {
      for (const reply of [other, { 'runspan-totals': 'v1;' }, {}, null, undefined, 7, 'text']) {
        expect(takeTotals(reply)).toBe(reply)
      }
      takeTotals(
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('hostile')
            },
          },
        ),
      )
    })
    expect(root).toEqual({ complete: true, reasons: undefined, calls: 0, segments: undefined })
    expect(counts()).toMatchObject({ totalsMalformed: 2, internalErrors: 1 })
    // Outside of a run there is nothing to add to.
    expect(takeTotals(other)).toBe(other)
  })

  it('is incomplete where more replies are awaited than a part keeps', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, () => {
      for (let sent = 0; sent < 1025; sent++) injectRun({}, { expectReply: true })
    })
    expect(root).toMatchObject({ complete: false, reasons: ['too_many_parts', 'no_answer'] })
  })

  it('keeps under _OTHER what a joined part told, so that names come to the totals', async () => {
    await using spans = recordSpans({ rollup: { detail: ['costs', 'models', 'tools', 'errors'] } })
    const { runId, ended } = await wrapAgent('planner', () => {
      recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 2, costUsd: 0.004 })
      const carrier = injectRun({}, { expectReply: true })
      const { runId: id } = extractRun(carrier)!
      takeTotals({ 'runspan-totals': foreignTotals(id, { subtotal: { toolCalls: 2, errors: 1 } }) })
    })
    const { detail, ...totals } = (await ended).totals
    expect(detail).toMatchObject({
      costs: [{ bucket: 'undivided', nanoUsd: 14_000_000n }],
      models: [
        { model: 'small-model', inputTokens: 2 },
        { model: '_OTHER', llmCalls: 1, inputTokens: 5 },
      ],
      tools: [{ name: '_OTHER', calls: 2 }],
      errors: [{ type: '_OTHER', count: 1 }],
    })
    expect(totals).toMatchObject({ llmCalls: 2, inputTokens: 7, costNanoUsd: 14_000_000n, complete: true })
    expect(JSON.parse(spans.root(runId).attributes['runspan.detail.models'] as string)).toHaveLength(2)
  })

  it('works in a callback that is bound to the run', async () => {
    await using spans = recordSpans()
    using run = startRun('planner')
    const onReply = bindRun(takeTotals)
    const { carrier, take } = run.with(() => ({
      carrier: injectRun({}, { expectReply: true }),
      take: bindRun(takeTotals),
    }))
    onReply(replyOf(carrier, one))
    expect(run.totals).toMatchObject({ llmCalls: 0, complete: false })
    take(replyOf(carrier, one))
    run.end()
    expect(spans.root(run.runId).attributes).toMatchObject({ 'runspan.calls.llm': 1, 'runspan.rollup.complete': true })
  })
})

describe('injectTotals', () => {
  it('tells what a part in another process came to, whatever carries it', async () => {
    await using spans = recordSpans()
    await using part = spawnProcess('replying-part', {})
    const root = await rootAfter(spans, async () => {
      for (const kind of ['record', 'map', 'headers']) {
        part.send({ kind, ...injectRun({}, { expectReply: true }) })
        const { entries, told } = await part.message<{ readonly entries: [string, string][]; readonly told: string }>()
        expect(told.length).toBeLessThanOrEqual(1024)
        takeTotals(new Map(entries))
      }
    })
    expect(root).toEqual({ complete: true, reasons: undefined, calls: 3, segments: 3 })
    part.send('stop')
    expect(await part.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('is partial for a later delivery, and where a span of the part is open', async () => {
    await using spans = recordSpans()
    await using part = spawnProcess('replying-part', {})
    for (const how of [{ attempt: 2 }, { isInside: true }]) {
      const root = await rootAfter(spans, async () => {
        part.send({ kind: 'record', ...how, ...injectRun({}, { expectReply: true }) })
        const { entries } = await part.message<{ readonly entries: [string, string][] }>()
        takeTotals(new Map(entries))
      })
      expect(root).toEqual({ complete: false, reasons: ['partial'], calls: 0, segments: undefined })
    }
    part.send('stop')
    await part.ended
  })

  it('adds nothing twice for a part in the caller’s own process', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, () => {
      const carrier = injectRun({}, { expectReply: true })
      takeTotals(
        joinRun(extractRun(carrier), () => {
          withSpan('load', () => recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 5 }))
          return injectTotals({})
        }),
      )
    })
    expect(root).toEqual({ complete: true, reasons: undefined, calls: 1, segments: undefined })
  })

  it('leaves a reply alone outside of a part, but for what it says of another', async () => {
    await using _ = recordSpans()
    const counts = countsFromNow()
    expect(injectTotals({ rows: 3, 'Runspan-Totals': 'v1;…' })).toEqual({ rows: 3 })
    expect((await wrapAgent('planner', () => injectTotals({ rows: 3 }))).result).toEqual({ rows: 3 })
    const frozen = Object.freeze({ 'runspan-totals': '' })
    expect(injectTotals(frozen)).toBe(frozen)
    expect(counts()).toMatchObject({ carriersNotWritten: 1 })
  })
})
