import { SpanKind, context, trace, type SpanContext } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import {
  currentRun,
  extractRun,
  joinRun,
  newRunId,
  startRun,
  withSpan,
  wrapAgent,
  type RunRef,
  type RunTarget,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, links } from '../support/trace-text.ts'

const parent = 'runspan.parent_run.id'
const root = 'runspan.root_run.id'

describe('the parent of a run', () => {
  it('is the enclosing run, unless null says that there is none', async () => {
    await using spans = recordSpans()
    const outer = startRun('planner')
    const child = await outer.with(() => wrapAgent('child', () => {}))
    const stranger = await outer.with(() => wrapAgent('stranger', () => {}, { parentRunId: null }))
    outer.end()
    expectTrace(spans.text({ parent, root, links })).toBe(`
      invoke_agent planner
        invoke_agent child     links=parent
        invoke_agent stranger  links=trigger
      invoke_agent child       parent=${outer.runId} root=${outer.runId} links=parent
      invoke_agent stranger    links=trigger
    `)
    expect([child.runId, stranger.runId]).toEqual(
      spans.all
        .filter((span) => span.parentSpanContext === undefined)
        .slice(1)
        .map((span) => span.spanContext().traceId),
    )
  })

  it('is the one that is named, by id, dashed id or ref; what was active becomes a trigger', async () => {
    await using spans = recordSpans()
    const named = startRun('named')
    const active = startRun('active')
    const uuid = named.runId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    const targets: RunTarget[] = [named.runId, uuid, named.ref]
    for (const parentRunId of targets) {
      const child = await active.with(() => wrapAgent('child', () => {}, { parentRunId }))
      expectTrace(spans.tree(child.runId, { parent, root, links })).toBe(`
        invoke_agent child  parent=${named.runId} root=${named.runId} links=parent+trigger
      `)
      const [toParent, toActive] = spans.root(child.runId).links as [{ context: SpanContext }, { context: SpanContext }]
      expect(toParent.context).toMatchObject({ traceId: named.runId, spanId: named.spanId })
      expect(toActive.context.traceId).toBe(active.runId)
    }
    named.end()
    active.end()
  })

  it('is linked at its own span where a ref says so, and never guesses a root that it does not know', async () => {
    await using spans = recordSpans()
    const parentRunId = newRunId()
    const spanId = '00f067aa0ba902b7'
    const ref: RunRef = {
      runId: parentRunId,
      traceparent: `00-${parentRunId}-${spanId}-00`,
      tracestate: `runspan=${parentRunId.slice(16)}`,
      rootRunId: newRunId(),
    }
    const byRef = await wrapAgent('child', () => {}, { parentRunId: ref })
    const byId = await wrapAgent('child', () => {}, { parentRunId })
    expect(spans.root(byRef.runId).attributes[root]).toBe(ref.rootRunId)
    expect(spans.root(byRef.runId).links[0]!.context).toMatchObject({ traceId: parentRunId, spanId, traceFlags: 0 })
    // A bare id names the parent's root, taken as sampled, and nothing about the family.
    expect(spans.root(byId.runId).attributes).not.toHaveProperty(root)
    expect(spans.root(byId.runId).links[0]!.context).toMatchObject({
      traceId: parentRunId,
      spanId: parentRunId.slice(16),
      traceFlags: 1,
    })
  })

  it('knows the root of a parent that is open in this process, also by its bare id', async () => {
    await using spans = recordSpans()
    const first = startRun('first')
    const second = first.with(() => startRun('second'))
    const third = await wrapAgent('third', () => {}, { parentRunId: second.runId })
    second.end()
    first.end()
    expect(spans.root(third.runId).attributes).toMatchObject({ [parent]: second.runId, [root]: first.runId })
    // Its ids travel in refs too.
    expect(second.ref).toMatchObject({ parentRunId: first.runId, rootRunId: first.runId })
    expect(first.ref).toMatchObject({ rootRunId: first.runId })
  })

  it('is an attribute alone, counted, where the text is no run id: never a malformed link', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const odd: unknown[] = ['ticket 7', '', 'f'.repeat(33), '0'.repeat(32), 7, {}, { runId: 'x' }, { traceId: '' }]
    for (const parentRunId of odd) {
      await wrapAgent('child', (run) => run.addLink({ type: 'follow_up', to: parentRunId as never }), {
        parentRunId: parentRunId as RunTarget,
        links: [{ type: 'review', to: parentRunId as RunTarget }],
      })
    }
    expect(counts()).toMatchObject({ invalidRunIds: 3 * odd.length })
    expect(spans.all.map((span) => span.links)).toEqual(odd.map(() => []))
    expect(spans.all[0]!.attributes[parent]).toBe('ticket 7')
    expect(spans.all.every((span) => typeof span.attributes[parent] === 'string')).toBe(true)
  })

  it('of a run that a joined part starts is the joined run; its root is known where the ref says so', async () => {
    await using spans = recordSpans()
    const first = startRun('first')
    const second = first.with(() => startRun('second'))
    const { ref, runId } = second
    second.end()
    first.end()
    const headers = { traceparent: ref.traceparent, tracestate: ref.tracestate }
    const children = []
    for (const target of [ref, runId, extractRun(headers)]) {
      children.push(await joinRun(target, () => wrapAgent('child', () => {}), { name: 'part' }))
    }
    const families = children.map((child) => {
      const { attributes } = spans.root(child.runId)
      return [attributes[parent], attributes[root]]
    })
    expect(families).toEqual([
      [runId, first.runId],
      [runId, undefined],
      [runId, undefined],
    ])
    expectTrace(spans.tree(runId, { links })).toBe(`
      invoke_agent second        links=parent
        part
          invoke_agent child     links=parent
        part
          invoke_agent child     links=parent
        part
          invoke_agent child     links=parent
    `)
  })

  it('is unknown where a spawned ref was damaged on its way, and the agent runs all the same', async () => {
    await using spans = recordSpans()
    const runId = newRunId()
    const damaged: unknown[] = [
      null,
      {},
      { runId: 7, traceparent: 7, tracestate: null, parentRunId: {}, rootRunId: 1, agentName: 7 },
      { runId, dispatchTraceparent: null },
      { runId: newRunId(), dispatchTraceparent: 'no traceparent', parentRunId: 'ticket 7' },
    ]
    for (const from of damaged) {
      const { result } = await wrapAgent('child', () => 'ran', { from: from as RunRef })
      expect(result).toBe('ran')
    }
    expect(spans.all.map((span) => [span.links.length, span.attributes[parent]])).toEqual(
      damaged.map(() => [0, undefined]),
    )
    expect(spans.root(runId).attributes['runspan.run.detached']).toBe(true)
  })

  it('of work inside a joined or nested part is the run, not the part', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', () =>
      withSpan('specialist', () => wrapAgent('child', () => currentRun()!.runId), { type: 'agent' }),
    )
    expectTrace(spans.text({ isChild: (span) => (span.attributes[parent] === runId ? true : undefined) })).toBe(`
      invoke_agent planner
        invoke_agent specialist
          invoke_agent child
      invoke_agent child  isChild=true
    `)
  })
})

describe('links of the caller', () => {
  it('stand on the root at its start, typed, with their attributes, whatever they point at', async () => {
    await using spans = recordSpans()
    const earlier = await wrapAgent('earlier', (run) => run.ref)
    const message = trace.getTracer('queue').startSpan('send', { kind: SpanKind.PRODUCER })
    message.end()
    const { runId } = await wrapAgent('planner', (run) => run.addLink({ type: 'review', to: earlier.runId }), {
      links: [
        { type: 'resume', to: earlier.result },
        { type: 'follow_up', to: earlier.runId, attributes: { turn: 2 } },
        { type: 'delivery', to: message.spanContext() },
      ],
    })
    expect(spans.root(runId).links.map(({ context: to, attributes }) => [to.traceId, to.spanId, attributes])).toEqual([
      [earlier.runId, earlier.runId.slice(16), { 'runspan.link.type': 'resume' }],
      [earlier.runId, earlier.runId.slice(16), { turn: 2, 'runspan.link.type': 'follow_up' }],
      [message.spanContext().traceId, message.spanContext().spanId, { 'runspan.link.type': 'delivery' }],
      [earlier.runId, earlier.runId.slice(16), { 'runspan.link.type': 'review' }],
    ])
  })

  it('reach the sampler, as the parent does', async () => {
    const seen: unknown[] = []
    await using spans = recordSpans({
      sampler: {
        shouldSample(_context, _traceId, name, _kind, attributes, given) {
          if (name.endsWith('child')) seen.push([attributes[parent], given.map((link) => link.attributes)])
          return { decision: 2 }
        },
        toString: () => 'looks',
      },
    })
    const parentRunId = newRunId()
    await wrapAgent('child', () => {}, { parentRunId })
    expect(seen).toEqual([[parentRunId, [{ 'runspan.link.type': 'parent' }]]])
    expect(spans.all).toHaveLength(1)
    expect(context.active()).toBeDefined()
  })
})
