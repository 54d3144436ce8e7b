import { describe, expect, it } from 'vitest'

import { newRunId, recordFeedback, recordLlmCall, startRun, wrapAgent } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, links } from '../support/trace-text.ts'

const spend = (inputTokens: number): void =>
  recordLlmCall({ model: 'small-model', provider: 'openai', inputTokens, costUsd: inputTokens / 1000 })

const totals = { in: 'runspan.usage.input_tokens', cost: 'runspan.cost.usd', spans: 'runspan.spans' }

describe('linked runs', () => {
  it('T12 wrapAgent inside wrapAgent makes two linked runs, never a nested span', async () => {
    await using spans = recordSpans()
    let childId = ''
    const { runId } = await wrapAgent('planner', async () => {
      childId = (await wrapAgent('executor', () => {})).runId
    })
    expect(childId).not.toBe(runId)
    const child = spans.root(childId)
    const dispatch = spans.of(runId)[1]!
    expect(child.attributes).toMatchObject({ 'runspan.parent_run.id': runId, 'runspan.root_run.id': runId })
    expect(dispatch.attributes['runspan.child_run.id']).toBe(childId)
    expect(child.links.map((link) => link.context)).toMatchObject([dispatch.spanContext()])
    expect(dispatch.links.map((link) => link.context)).toMatchObject([child.spanContext()])
    expectTrace(spans.text({ links, child: (span) => 'runspan.child_run.id' in span.attributes || undefined })).toBe(`
      invoke_agent planner
        invoke_agent executor  links=parent child=true
      invoke_agent executor    links=parent
    `)
    // Unless somebody says that it is nobody's child.
    const unrelated = await wrapAgent('planner', async () =>
      wrapAgent('executor', () => {}, { parentRunId: null, dispatchSpan: false }),
    )
    expect(spans.root(unrelated.result.runId).attributes).not.toHaveProperty('runspan.parent_run.id')
  })

  it('T13 with parentRunId the child is a run of its own: trace, tokens, cost, spans and feedback', async () => {
    await using spans = recordSpans()
    const parent = await wrapAgent('planner', () => spend(10))
    const child = await wrapAgent('executor', () => spend(200), { parentRunId: parent.runId })
    recordFeedback(child.runId, { score: 1 })
    expectTrace(spans.text({ parent: 'runspan.parent_run.id', ...totals, links })).toBe(`
      invoke_agent planner     in=10 cost=0.01 spans=2
        chat small-model
      invoke_agent executor    parent=${parent.runId} in=200 cost=0.2 spans=2 links=parent
        chat small-model
      gen_ai.evaluation.result   links=review
    `)
    // The child points at its parent's root, whose context follows from the id alone.
    expect(spans.root(child.runId).links[0]!.context).toMatchObject({
      traceId: parent.runId,
      spanId: spans.root(parent.runId).spanContext().spanId,
    })
    expect(spans.span('gen_ai.evaluation.result').links[0]!.context).toMatchObject({ traceId: child.runId })
  })

  it('T14 N concurrent children of one parent all carry its id, and the parent keeps its own output', async () => {
    await using spans = recordSpans()
    const { runId, result } = await wrapAgent('planner', async (run) => {
      run.setOutput('of the parent')
      const children = await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          wrapAgent(`executor`, async (child) => {
            await Promise.resolve()
            child.setOutput(`of child ${n}`)
          }),
        ),
      )
      return children.map((child) => child.runId)
    })
    expect(new Set(result).size).toBe(12)
    expect(result.map((id) => spans.root(id).attributes['runspan.parent_run.id'])).toEqual(result.map(() => runId))
    expect(result.map((id) => spans.root(id).attributes['runspan.output'])).toEqual(
      result.map((_, n) => `"of child ${n}"`),
    )
    expect(spans.root(runId).attributes['runspan.output']).toBe('"of the parent"')
  })

  it('T15 tokens and cost of linked children are not in the totals of the parent', async () => {
    await using spans = recordSpans()
    const { runId, ended } = await wrapAgent('planner', async () => {
      spend(10)
      await wrapAgent('executor', () => spend(200))
    })
    expectTrace(spans.text(totals)).toBe(`
      invoke_agent planner        in=10 cost=0.01 spans=3
        chat small-model
        invoke_agent executor
      invoke_agent executor       in=200 cost=0.2 spans=2
        chat small-model
    `)
    // A family's total is the sum over its runs, and reads each run once.
    expect((await ended).totals).toMatchObject({ inputTokens: 10, costUsd: 0.01, complete: true })
    expect(spans.root(runId).attributes['runspan.rollup.complete']).toBe(true)
  })

  it('T16 three levels work: a run is child and parent', async () => {
    await using spans = recordSpans()
    const ids: string[] = []
    await wrapAgent('first', async (first) => {
      await wrapAgent('second', async (second) => {
        await wrapAgent('third', (third) => ids.push(first.runId, second.runId, third.runId))
      })
    })
    const [first, second, third] = ids as [string, string, string]
    const family = (runId: string): unknown => {
      const { attributes } = spans.root(runId)
      return [attributes['runspan.parent_run.id'], attributes['runspan.root_run.id']]
    }
    expect([first, second, third].map(family)).toEqual([
      [undefined, undefined],
      [first, first],
      [second, first],
    ])
    expectTrace(spans.text({ links })).toBe(`
      invoke_agent first
        invoke_agent second  links=parent
      invoke_agent second    links=parent
        invoke_agent third   links=parent
      invoke_agent third     links=parent
    `)
  })

  it('T17 an unknown parentRunId is a dangling reference, not an error', async () => {
    await using spans = recordSpans()
    const unknown = newRunId()
    const dangling = await wrapAgent('executor', () => 'ok', { parentRunId: unknown })
    const invalid = await wrapAgent('executor', () => 'ok', { parentRunId: 'ticket 7' })
    expect([dangling.result, invalid.result]).toEqual(['ok', 'ok'])
    expectTrace(spans.text({ parent: 'runspan.parent_run.id', root: 'runspan.root_run.id', links })).toBe(`
      invoke_agent executor  parent=${unknown} links=parent
      invoke_agent executor  parent=ticket 7
    `)
  })

  it('T18 filtering by parent id returns exactly the linked children', async () => {
    await using spans = recordSpans()
    const parent = startRun('planner')
    const inside = await parent.with(() => wrapAgent('inside', () => {}))
    const named = await wrapAgent('named', () => {}, { parentRunId: parent.runId })
    const byRef = await wrapAgent('by ref', () => {}, { parentRunId: parent.ref })
    await wrapAgent('somebody else', () => {})
    await parent.with(() => wrapAgent('not a child', () => {}, { parentRunId: null }))
    parent.end()
    const children = spans.all.filter((span) => span.attributes['runspan.parent_run.id'] === parent.runId)
    expect(children.map((span) => span.spanContext().traceId)).toEqual([inside.runId, named.runId, byRef.runId])
  })
})
