import { describe, expect, it } from 'vitest'

import { renderRun } from '../../src/cli/render-run.ts'
import { runTreesOf } from '../../src/query/run-trees.ts'
import type { RunTree } from '../../src/query/run-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { lines } from '../query/family-text.ts'
import { dispatch, idOf, root, segment, span } from '../query/stored-spans.ts'

const a = idOf('a1')

function runOf(...spans: readonly StoredSpan[]): RunTree {
  return runTreesOf(spans)[0]!
}

describe('renderRun', () => {
  it('shows every span where it stands in the tree and in time', () => {
    const top = root(a, { agent: 'planner', to: 2_800 })
    const tool = span(a, {
      name: 'execute_tool search',
      parentSpanId: top.spanId,
      from: 1_200,
      to: 2_000,
      status: { code: 'error' },
      attributes: { 'error.type': 'RangeError' },
    })
    const run = runOf(
      segment(a, { service: 'search', name: 'POST /find', parentSpanId: tool.spanId, from: 1_300, to: 1_900 }),
      dispatch(a, idOf('b2'), { agent: 'writer', from: 2_500, to: 2_501 }),
      span(a, { name: 'chat gpt-5', parentSpanId: top.spanId, from: 0, to: 1_200 }),
      tool,
      top,
    )
    expect(renderRun(run)).toBe(
      lines(`
        a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 · completed
        invoke_agent planner               2.80 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━
        ├─ chat gpt-5                      1.20 s  ━━━━━━━━━━━━
        ├─ execute_tool search             800 ms              ━━━━━━━━          ✗ RangeError
        │  ╰┄ search: POST /find           600 ms               ━━━━━━
        ╰─ invoke_agent writer → b2b2b2b2    1 ms                           ━
      `),
    )
  })

  it('shows spans whose parent has not come, and spans that name each other, each once', () => {
    const orphan = span(a, { name: 'orphan', parentSpanId: '00000000000000ff', attributes: { 'runspan.run.id': a } })
    const one = span(a, { name: 'one', from: 1 })
    const two = span(a, { name: 'two', from: 2, parentSpanId: one.spanId })
    expect(renderRun(runOf(orphan, two, { ...one, parentSpanId: two.spanId }))).toBe(
      lines(`
        a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 · no root
        orphan                0 ms  ━
        one                   0 ms               ━
        ╰─ two                0 ms                             ━
      `),
    )
  })

  it('stops at maxSpans and says how many are left', () => {
    const spans = Array.from({ length: 9 }, (_, from) => span(a, { from, parentSpanId: a.slice(16) }))
    expect(renderRun(runOf(root(a), ...spans), { maxSpans: 3 }).split('\n')).toHaveLength(5)
    expect(renderRun(runOf(root(a), ...spans), { maxSpans: 3 })).toMatch(/… and 7 spans more$/)
    expect(renderRun(runOf(root(a), ...spans), { maxSpans: 10 })).not.toMatch(/more/)
  })
})
