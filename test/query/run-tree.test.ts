import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { runTreesOf } from '../../src/query/run-trees.ts'
import type { RunTree } from '../../src/query/run-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { noTotals } from '../../src/query/totals.ts'
import { amendment, at, dispatch, idOf, nextSpanId, root, segment, span } from './stored-spans.ts'

const a = idOf('a1')

/** The only run of a bag of spans. */
function only(...spans: readonly StoredSpan[]): RunTree {
  const runs = runTreesOf(spans)
  expect(runs).toHaveLength(1)
  return runs[0]!
}

describe('runTreesOf, one run', () => {
  it('reads what the root says', () => {
    const run = only(
      root(a, {
        agent: 'planner',
        goal: 'answer',
        parent: idOf('b2'),
        from: 10,
        to: 1_510,
        service: 'planner-service',
        runStatus: 'failed',
        status: { code: 'error', message: 'no luck' },
        attributes: {
          'runspan.run.status_reason': 'gave up',
          'runspan.run.detached': true,
          'runspan.run.attempt': 2,
          'runspan.first_run.id': idOf('c3'),
          'runspan.root_run.id': idOf('d4'),
          'gen_ai.conversation.id': 'c-1',
          'error.type': 'TypeError',
        },
      }),
    )
    expect(run).toMatchObject({
      runId: a,
      agent: 'planner',
      service: 'planner-service',
      goal: 'answer',
      status: 'failed',
      statusReason: 'gave up',
      failure: { type: 'TypeError', message: 'no luck' },
      parentRunId: idOf('b2'),
      rootRunId: idOf('d4'),
      firstRunId: idOf('c3'),
      attempt: 2,
      isDetached: true,
      conversationId: 'c-1',
      startUnixNano: at(10),
      durationMillis: 1_500,
    })
  })

  it('leaves open what a plain root does not say', () => {
    expect(only(root(a))).toMatchObject({
      status: 'completed',
      failure: undefined,
      parentRunId: undefined,
      attempt: 1,
      isDetached: false,
      gaps: [],
    })
  })

  it('takes a parent in any form of a run id, and keeps any other text', () => {
    expect(only(root(a, { parent: 'B2B2B2B2-B2B2-B2B2-B2B2-B2B2B2B2B2B2' })).parentRunId).toBe(idOf('b2'))
    expect(only(root(a, { parent: 'Job-7' })).parentRunId).toBe('Job-7')
  })

  it('leaves out traces that are no runs', () => {
    expect(runTreesOf([span(a), span(a, { kind: 'server' })])).toEqual([])
  })

  it.each<[string, Partial<StoredSpan>]>([
    ['has a parent', { parentSpanId: '00000000000000ff' }],
    ['is no INTERNAL span', { kind: 'server' }],
  ])('takes no span for the root that %s', (_, different) => {
    expect(only({ ...root(a), ...different }).root).toBeUndefined()
  })

  it('finds the root also where every span is stamped with the run id', () => {
    const stamped = span(a, { parentSpanId: a.slice(16), attributes: { 'runspan.run.id': a }, from: -1 })
    expect(only(stamped, root(a, { agent: 'planner' })).agent).toBe('planner')
  })
})

describe('runTreesOf, totals', () => {
  it('takes the rollup of the root for the run’s own', () => {
    const run = only(root(a, { totals: { input: 10, output: 2, llm: 1, nanoUsd: 5, source: 'priced', spans: 3 } }))
    expect(run.ownTotals).toEqual({
      ...noTotals,
      inputTokens: 10,
      outputTokens: 2,
      llmCalls: 1,
      costNanoUsd: 5n,
      costSource: 'priced',
      spans: 3,
    })
    expect(run.totals).toEqual(run.ownTotals)
  })

  it('adds a segment of another process', () => {
    const run = only(
      root(a, { totals: { input: 10, spans: 2 }, service: 'executor' }),
      segment(a, { totals: { input: 5, spans: 3 }, service: 'search' }),
    )
    expect(run.ownTotals).toMatchObject({ inputTokens: 10, spans: 2 })
    expect(run.totals).toMatchObject({ inputTokens: 15, spans: 5 })
    expect(run.segments).toMatchObject([{ service: 'search', isLocal: false, totals: { inputTokens: 5 } }])
  })

  it('does not add a segment whose process says that the run has it already', () => {
    const run = only(
      root(a, { totals: { input: 10 } }),
      segment(a, { totals: { input: 5 }, attributes: { 'runspan.segment.local': true } }),
    )
    expect(run.totals.inputTokens).toBe(10)
    expect(run.segments).toMatchObject([{ isLocal: true, totals: { inputTokens: 5 } }])
  })

  it('adds a segment of the process that wrote the root: a job that is joined and then ended in one worker', () => {
    // The run was opened elsewhere and handed off, so the worker's tally of the root has no part in the segment.
    const service = 'worker'
    const run = only(
      root(a, { totals: { spans: 1, complete: false }, service }),
      segment(a, { totals: { input: 5 }, service }),
    )
    expect(run.totals.inputTokens).toBe(5)
  })

  it('adds what amendments say to the part they amend', () => {
    const part = segment(a, { totals: { input: 5, spans: 1 } })
    const whole = root(a, { totals: { input: 10, spans: 1, complete: false, open: 1 } })
    const run = only(
      whole,
      part,
      amendment(whole, { input: 100, spans: 1 }),
      amendment(whole, { input: 200, spans: 1 }),
      amendment(part, { input: 1_000, spans: 1 }),
    )
    expect(run.ownTotals).toMatchObject({ inputTokens: 310, spans: 3 })
    expect(run.segments[0]!.totals).toMatchObject({ inputTokens: 1_005, spans: 2 })
    expect(run.totals).toMatchObject({ inputTokens: 1_315, spans: 5 })
  })

  it('adds what comes twice once', () => {
    const whole = root(a, { totals: { input: 10 } })
    const part = segment(a, { totals: { input: 5 } })
    const late = amendment(whole, { input: 1 })
    const run = only(whole, part, late, ...structuredClone([late, part, whole]))
    expect(run.totals.inputTokens).toBe(16)
    expect(run.spans).toHaveLength(3)
    expect(run.segments).toHaveLength(1)
  })

  it('takes the later end of a root that two processes wrote', () => {
    const first = root(a, { to: 10, runStatus: 'abandoned', totals: { input: 1 } })
    const second = root(a, { to: 20, runStatus: 'completed', totals: { input: 2 } })
    for (const spans of [
      [first, second],
      [second, first],
    ]) {
      expect(only(...spans)).toMatchObject({ status: 'completed', totals: { inputTokens: 2 } })
    }
  })
})

describe('runTreesOf, gaps', () => {
  it('names a root that has not come, and shows what has', () => {
    const run = only(segment(a, { totals: { input: 5 }, from: 7 }), span(a, { from: 9, to: 12 }))
    expect(run).toMatchObject({
      runId: a,
      root: undefined,
      agent: undefined,
      status: undefined,
      durationMillis: undefined,
      startUnixNano: at(7),
      ownTotals: undefined,
      totals: { inputTokens: 5 },
      gaps: ['root'],
    })
    expect(run.spans).toHaveLength(2)
  })

  it('knows a run without root and segments by the mark in its trace state', () => {
    const runs = runTreesOf([
      span(a, { traceState: `vendor=1,runspan=${a.slice(16)}` }),
      // A mark that strayed from another run.
      span(idOf('b2'), { traceState: `runspan=${a.slice(16)}` }),
    ])
    expect(runs.map(({ runId, gaps }) => [runId, gaps])).toEqual([[a, ['root']]])
  })

  it('knows a run without any mark because somebody dispatched it', () => {
    const b = idOf('b2')
    const runs = runTreesOf([root(a), dispatch(a, b), span(b, { from: 5 })])
    expect(runs.map(({ runId }) => runId)).toEqual([a, b])
  })

  it('names a root without numbers', () => {
    expect(only(root(a, { totals: false }))).toMatchObject({ ownTotals: undefined, totals: noTotals, gaps: ['rollup'] })
  })

  it('counts spans that were open and that no amendment has reported', () => {
    const whole = root(a, { totals: { complete: false, open: 3 } })
    expect(only(whole)).toMatchObject({ gaps: ['open_spans'], openSpans: 3 })
    expect(only(whole, amendment(whole, { spans: 1 }))).toMatchObject({ gaps: ['open_spans'], openSpans: 2 })
  })

  it('says that parts may be elsewhere where nothing else explains an incomplete root', () => {
    expect(only(root(a, { totals: { complete: false } })).gaps).toEqual(['elsewhere'])
    const whole = root(a, { totals: { complete: false, open: 1 } })
    expect(only(whole, amendment(whole, { spans: 1 }))).toMatchObject({ gaps: ['elsewhere'], openSpans: 0 })
  })

  it('has the gaps of its segments, those of local ones aside', () => {
    const part = { complete: false, open: 2 }
    expect(only(root(a), segment(a, { totals: part }))).toMatchObject({ gaps: ['open_spans'], openSpans: 2 })
    const local = segment(a, { totals: part, attributes: { 'runspan.segment.local': true } })
    expect(only(root(a), local)).toMatchObject({ gaps: [], openSpans: 0 })
  })

  it('adds an amendment that comes before its part', () => {
    const whole = root(a)
    expect(only(span(a), amendment(whole, { input: 3 }))).toMatchObject({ totals: { inputTokens: 3 }, gaps: ['root'] })
    const part = segment(a)
    expect(only(whole, amendment(part, { input: 4 }))).toMatchObject({ totals: { inputTokens: 4 }, gaps: ['root'] })
  })
})

describe('runTreesOf, any order', () => {
  it('reads the same run, whatever order its spans come in and however often', () => {
    const whole = root(a, { from: 0, to: 100, totals: { input: 10, complete: false, open: 2 } })
    const part = segment(a, { from: 10, to: 50, totals: { input: 5 } })
    const spans = [
      whole,
      part,
      segment(a, { from: 10, to: 20, attributes: { 'runspan.segment.local': true } }),
      amendment(whole, { input: 1, spans: 1 }, { from: 110 }),
      amendment(part, { input: 2 }, { from: 120 }),
      dispatch(a, idOf('b2'), { from: 20 }),
      ...[1, 2, 3].map((from) => span(a, { from, parentSpanId: nextSpanId() })),
    ]
    const expected = only(...spans)
    fc.assert(
      fc.property(fc.shuffledSubarray([...spans, ...spans], { minLength: 2 * spans.length }), (shuffled) => {
        expect(only(...shuffled)).toEqual(expected)
      }),
    )
  })
})
