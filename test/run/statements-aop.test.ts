import { describe, expect, it } from 'vitest'

import { newRunId, startRun, wrapAgent, type RunRef } from '../../src/index.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { runProcess } from '../support/spawn-process.ts'
import { expectTrace, kind, links } from '../support/trace-text.ts'

const goal = 'runspan.run.goal'
const parent = 'runspan.parent_run.id'
const root = 'runspan.root_run.id'
const child = 'runspan.child_run.id'

describe('spawned agents', () => {
  it('A3 spawn leaves a span with child id, agent and goal on the parent, and returns a fresh id', async () => {
    await using spans = recordSpans()
    const { runId, result } = await wrapAgent('planner', (run) => [
      run.spawn('researcher', { goal: 'find rows', metadata: { depth: 2 } }),
      run.spawn('critic'),
    ])
    const [researcher, critic] = result as [RunRef, RunRef]
    expect(researcher).toMatchObject({
      agentName: 'researcher',
      goal: 'find rows',
      parentRunId: runId,
      rootRunId: runId,
    })
    expect(new Set([runId, researcher.runId, critic.runId]).size).toBe(3)
    expectTrace(
      spans.tree(runId, { kind, agent: 'gen_ai.agent.name', child, goal, depth: 'runspan.metadata.depth', links }),
    ).toBe(`
      invoke_agent planner         agent=planner
        invoke_agent researcher    kind=PRODUCER agent=researcher child=${researcher.runId} goal=find rows depth=2 links=spawn
        invoke_agent critic        kind=PRODUCER agent=critic child=${critic.runId} links=spawn
    `)
  })

  it('A4 a child that starts under the spawned id shows its parent, goal and family on its root', async () => {
    await using spans = recordSpans()
    const { runId, result: ref } = await wrapAgent('planner', (run) => run.spawn('researcher', { goal: 'find rows' }))
    const started = await wrapAgent('researcher', (run) => run.span('work', () => {}), { from: ref })
    expect(started.runId).toBe(ref.runId)
    expectTrace(spans.tree(started.runId, { parent, root, goal, detached: 'runspan.run.detached', links })).toBe(`
      invoke_agent researcher  parent=${runId} root=${runId} goal=find rows detached=true links=spawn
        work
    `)
    // The links meet: the child's root points at the dispatch span, and that at the child's root.
    const dispatch = spans.of(runId)[1]!
    expect(spans.root(ref.runId).links[0]!.context).toMatchObject({
      traceId: runId,
      spanId: dispatch.spanContext().spanId,
    })
    expect(dispatch.links[0]!.context).toMatchObject({
      traceId: ref.runId,
      spanId: spans.root(ref.runId).spanContext().spanId,
    })
  })

  it('A5 parent ids give a tree of any depth across processes; the root has none, several spawns are siblings', async () => {
    await using spans = recordSpans()
    await using sink = await startOtlpSink()
    const { runId, result } = await wrapAgent('planner', (run) => ['left', 'right'].map((name) => run.spawn(name)))
    const started = await Promise.all(
      result.map((ref) => runProcess<{ runId: string; grandchild: RunRef }>('spawned-child', { sink: sink.url, ref })),
    )
    expect(started.map((one) => one.runId)).toEqual(result.map((ref) => ref.runId))
    await wrapAgent('grandchild', () => {}, { from: started[0]!.grandchild })

    const roots = [...spans.all, ...sink.all].filter((span) => span.parentSpanContext === undefined)
    const tree = new Map(roots.map((span) => [span.spanContext().traceId, span.attributes]))
    const [left, right] = started.map((one) => one.runId) as [string, string]
    const family = [runId, left, right, started[0]!.grandchild.runId].map((id) => {
      const attributes = tree.get(id)
      return [attributes?.[parent], attributes?.[root]]
    })
    expect(family).toEqual([
      [undefined, undefined],
      [runId, runId],
      [runId, runId],
      [left, runId],
    ])
    expectTrace(sink.tree(left, { kind, goal, links })).toBe(`
      invoke_agent left            links=spawn
        work
        invoke_agent grandchild    kind=PRODUCER goal=check the rows links=spawn
    `)
  })

  it('A7 a child that is spawned and never starts is visible from the dispatch span alone', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    const ref = run.spawn('researcher', { goal: 'find rows' })
    // At once, while the parent is still running.
    const dispatch = spans.span('invoke_agent researcher')
    expect(dispatch.attributes).toMatchObject({
      [child]: ref.runId,
      [goal]: 'find rows',
      'gen_ai.agent.name': 'researcher',
      'gen_ai.operation.name': 'invoke_agent',
    })
    expect(dispatch.duration[0]).toBe(0)
    expect(spans.of(ref.runId)).toEqual([])
    run.end()
    expect(spans.root(run.runId).attributes['runspan.rollup.complete']).toBe(true)
  })

  it('A8 a child that arrives before its parent, or whose parent never arrives, is kept', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    const early = await wrapAgent('researcher', () => {}, { from: run.spawn('researcher') })
    expect(spans.root(early.runId).attributes[parent]).toBe(run.runId)
    expect(spans.of(run.runId).map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([run.spanId])
    run.end()

    const absent = newRunId()
    const orphan = await wrapAgent('researcher', () => {}, { parentRunId: absent })
    expectTrace(spans.tree(orphan.runId, { parent, root, links })).toBe(`
      invoke_agent researcher  parent=${absent} links=parent
    `)
  })
})
