import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { buildFamilies, findFamily, walkFamily } from '../../src/query/family-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { familiesText, lines } from './family-text.ts'
import { dispatch, idOf, root, segment, span } from './stored-spans.ts'

const a = idOf('a1')
const b = idOf('b2')
const c = idOf('c3')
const d = idOf('d4')

function expectFamilies(spans: readonly StoredSpan[]): ReturnType<typeof expect<string>> {
  return expect(familiesText(buildFamilies(spans)))
}

describe('buildFamilies', () => {
  it('makes a family of a run without a parent', () => {
    expectFamilies([root(a, { agent: 'planner', totals: { input: 10 } })]).toBe(
      lines(`
        planner 10
        = 10
      `),
    )
  })

  it('puts children below the parent they name, in the order in which they started', () => {
    expectFamilies([
      root(c, { agent: 'writer', parent: a, from: 30, totals: { input: 3 } }),
      root(d, { agent: 'critic', parent: b, from: 20, totals: { input: 4 } }),
      root(b, { agent: 'executor', parent: a, from: 10, totals: { input: 2 } }),
      root(a, { agent: 'planner', from: 0, totals: { input: 1 } }),
    ]).toBe(
      lines(`
        planner 1
          executor 2
            critic 4
          writer 3
        = 10
      `),
    )
  })

  it('keeps families apart, in the order in which they started', () => {
    expectFamilies([
      root(a, { agent: 'late', from: 50, totals: { input: 1 } }),
      root(b, { agent: 'early', from: 1, totals: { input: 2 } }),
      root(c, { agent: 'child', from: 99, parent: b, totals: { input: 3 } }),
    ]).toBe(
      lines(`
        early 2
          child 3
        = 5
        late 1
        = 1
      `),
    )
  })

  it('adds joined parts and linked runs up, each once', () => {
    expectFamilies([
      root(a, { agent: 'planner', totals: { input: 1 } }),
      segment(a, { totals: { input: 10 } }),
      dispatch(a, b, { agent: 'executor', from: 4 }),
      root(b, { agent: 'executor', parent: a, from: 5, totals: { input: 100 } }),
      segment(b, { totals: { input: 1_000 } }),
      segment(b, { totals: { input: 100 }, attributes: { 'runspan.segment.local': true } }),
    ]).toBe(
      lines(`
        planner 11
          executor 1100
        = 1111
      `),
    )
  })

  it('needs no links: most backends do not find by them', () => {
    const child = root(b, { agent: 'executor', parent: a, totals: { input: 2 }, from: 1 })
    expect(child.links).toEqual([])
    expectFamilies([root(a, { agent: 'planner' }), child]).toBe(
      lines(`
        planner 0
          executor 2
        = 2
      `),
    )
  })

  it('shows a spawned child that has not started', () => {
    const families = buildFamilies([
      root(a, { agent: 'planner', totals: { input: 1 } }),
      dispatch(a, b, { kind: 'producer', agent: 'writer', goal: 'write', from: 5, linkType: 'spawn' }),
    ])
    expect(familiesText(families)).toBe(
      lines(`
        planner 1
          writer (spawned)
        = 1
      `),
    )
    expect(families[0]).toMatchObject({ isComplete: false, runCount: 1, spawnedCount: 1, missingCount: 0 })
    expect(families[0]!.root.children[0]).toMatchObject({ runId: b, goal: 'write' })
  })

  it('shows the child once it has started, in the same place', () => {
    expectFamilies([
      root(a, { agent: 'planner' }),
      dispatch(a, b, { kind: 'producer', agent: 'writer', from: 5 }),
      root(b, { agent: 'writer', parent: a, from: 9, totals: { input: 2 } }),
    ]).toBe(
      lines(`
        planner 0
          writer 2
        = 2
      `),
    )
  })

  it('shows a child that is open, under the agent its dispatch names', () => {
    expectFamilies([
      root(a, { agent: 'planner' }),
      dispatch(a, b, { agent: 'executor', from: 5 }),
      segment(b, { from: 7, totals: { input: 4 } }),
    ]).toBe(
      lines(`
        planner 0
          executor (no root) 4
        = 4
      `),
    )
  })

  it('shows a child whose spans have not come as missing', () => {
    const families = buildFamilies([root(a, { agent: 'planner' }), dispatch(a, b, { agent: 'executor' })])
    expect(familiesText(families)).toBe(
      lines(`
        planner 0
          executor (missing)
        = 0
      `),
    )
    expect(families[0]).toMatchObject({ isComplete: false, missingCount: 1 })
  })

  it('does not take a run for a child that only happened to start inside another', () => {
    const trigger = dispatch(a, b, { linkType: 'trigger' })
    expectFamilies([root(a, { agent: 'planner' }), trigger, root(b, { agent: 'other', from: 5 })]).toBe(
      lines(`
        planner 0
        = 0
        other 0
        = 0
      `),
    )
    expectFamilies([root(a, { agent: 'planner' }), trigger]).toBe(
      lines(`
        planner 0
        = 0
      `),
    )
  })

  it('lets siblings meet in a parent that is not there', () => {
    expectFamilies([
      root(b, { agent: 'second', parent: a, from: 20 }),
      root(c, { agent: 'first', parent: a, from: 10 }),
      root(d, { agent: 'other', parent: 'job-7', from: 1 }),
    ]).toBe(
      lines(`
        job- (missing)
          other 0
        = 0
        a1a1 (missing)
          first 0
          second 0
        = 0
      `),
    )
  })

  it('puts a parent that is not there below the first run, where a child knew that', () => {
    expectFamilies([
      root(a, { agent: 'planner' }),
      root(c, { agent: 'leaf', parent: b, from: 10, attributes: { 'runspan.root_run.id': a } }),
    ]).toBe(
      lines(`
        planner 0
          b2b2 (missing)
            leaf 0
        = 0
      `),
    )
  })

  it('finds a run under the id that was asked for and could not be kept', () => {
    const families = buildFamilies([
      root(a, { agent: 'planner' }),
      dispatch(a, b, { kind: 'producer', agent: 'writer' }),
      root(c, { agent: 'writer', parent: a, from: 5, attributes: { 'runspan.requested_run.id': b } }),
      root(d, { agent: 'helper', parent: b, from: 9 }),
    ])
    expect(familiesText(families)).toBe(
      lines(`
        planner 0
          writer 0
            helper 0
        = 0
      `),
    )
    expect(findFamily(families, b)).toBe(families[0])
  })

  it('does not wait for an execution that was repeated under an id of its own', () => {
    expectFamilies([
      root(a, { agent: 'planner' }),
      dispatch(a, b, { kind: 'producer', agent: 'writer' }),
      root(c, { agent: 'writer', parent: a, attributes: { 'runspan.first_run.id': b, 'runspan.run.attempt': 2 } }),
    ]).toBe(
      lines(`
        planner 0
          writer 0
        = 0
      `),
    )
  })

  it('ends where runs name each other as parents', () => {
    expectFamilies([
      root(a, { agent: 'one', parent: c, from: 2, totals: { input: 1 } }),
      root(b, { agent: 'two', parent: a, from: 1, totals: { input: 2 } }),
      root(c, { agent: 'three', parent: b, from: 3, totals: { input: 4 } }),
      root(d, { agent: 'self', parent: d, from: 9, totals: { input: 8 } }),
    ]).toBe(
      lines(`
        two 2
          three 4
            one 1
        = 7
        self 8
        = 8
      `),
    )
  })

  it('cuts a circle above the run that started first, wherever it is entered from', () => {
    expectFamilies([
      root(a, { agent: 'outside', parent: c, from: 0 }),
      root(b, { agent: 'first', parent: c, from: 1 }),
      root(c, { agent: 'second', parent: b, from: 2 }),
    ]).toBe(
      lines(`
        first 0
          second 0
            outside 0
        = 0
      `),
    )
  })

  it('leaves traces that are no runs out', () => {
    expect(buildFamilies([span(a), dispatch(b, c)].map((plain) => ({ ...plain, attributes: {} })))).toEqual([])
    expect(buildFamilies([])).toEqual([])
  })

  it('is complete where every run is there and says so', () => {
    const [family] = buildFamilies([root(a), root(b, { parent: a })])
    expect(family).toMatchObject({ isComplete: true, runCount: 2, spawnedCount: 0, missingCount: 0 })
    const [other] = buildFamilies([root(a), root(b, { parent: a, totals: { complete: false } })])
    expect(other!.isComplete).toBe(false)
  })

  it('takes a chain of fifty thousand runs', () => {
    const ids = Array.from({ length: 50_000 }, (_, i) => (i + 1).toString(16).padStart(32, '0'))
    const spans = ids.map((id, i) =>
      root(id, { from: i, totals: { input: 1 }, ...(i > 0 ? { parent: ids[i - 1]! } : {}) }),
    )
    const families = buildFamilies(spans)
    expect(families).toHaveLength(1)
    expect(families[0]).toMatchObject({ runCount: 50_000, totals: { inputTokens: 50_000 } })
  })
})

/** Parents by run, as any graph: other runs, runs that are not there, themselves, none. */
const graph = fc.array(
  fc.record({
    parent: fc.option(fc.nat(9)),
    first: fc.option(fc.nat(9)),
    hasRoot: fc.boolean(),
    from: fc.nat(5),
    dispatches: fc.array(fc.record({ child: fc.nat(9), isSpawn: fc.boolean() }), { maxLength: 2 }),
  }),
  { maxLength: 8 },
)
const idAt = (index: number) => idOf(`f${index}`)

function spansOf(runs: typeof graph extends fc.Arbitrary<infer T> ? T : never): StoredSpan[] {
  return runs.flatMap(({ parent, first, hasRoot, from, dispatches }, index) => [
    ...(hasRoot
      ? [
          root(idAt(index), {
            agent: `r${index}`,
            from,
            totals: { input: 10 ** index },
            ...(parent === null ? {} : { parent: idAt(parent) }),
            ...(first === null ? {} : { attributes: { 'runspan.root_run.id': idAt(first) } }),
          }),
        ]
      : [segment(idAt(index), { from, totals: { input: 10 ** index } })]),
    ...dispatches.map(({ child, isSpawn }) =>
      dispatch(idAt(index), idAt(child), { from, kind: isSpawn ? 'producer' : 'client', agent: `r${child}` }),
    ),
  ])
}

describe('buildFamilies, whatever runs say of each other', () => {
  it('gives the same families, whatever order their spans come in and however often', () => {
    fc.assert(
      fc.property(
        graph
          .map(spansOf)
          .chain((spans) =>
            fc.tuple(fc.constant(spans), fc.shuffledSubarray([...spans, ...spans], { minLength: 2 * spans.length })),
          ),
        ([spans, shuffled]) => {
          expect(buildFamilies(shuffled)).toEqual(buildFamilies(spans))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('has every run once, and counts it once', () => {
    fc.assert(
      fc.property(graph, (runs) => {
        const families = buildFamilies(spansOf(runs))
        const ids = families.flatMap(({ root: top }) => [...walkFamily(top)].map(({ node }) => node.runId))
        expect(new Set(ids).size).toBe(ids.length)
        for (const index of runs.keys()) expect(ids).toContain(idAt(index))
        const sum = families.reduce((total, { totals }) => total + totals.inputTokens, 0)
        expect(sum).toBe(runs.reduce((total, _, index) => total + 10 ** index, 0))
        expect(families.reduce((total, { runCount }) => total + runCount, 0)).toBe(runs.length)
      }),
      { numRuns: 300 },
    )
  })
})

describe('findFamily', () => {
  it('finds by any run of the family, in any form of its id', () => {
    const families = buildFamilies([root(a), root(b, { parent: a }), root(c)])
    expect(findFamily(families, b)?.root.runId).toBe(a)
    expect(findFamily(families, 'B2B2B2B2-B2B2-B2B2-B2B2-B2B2B2B2B2B2')?.root.runId).toBe(a)
    expect(findFamily(families, c)?.root.runId).toBe(c)
    expect(findFamily(families, d)).toBeUndefined()
  })
})
