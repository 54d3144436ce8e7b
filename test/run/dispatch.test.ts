import { SpanKind, SpanStatusCode, context, trace, type Span } from '@opentelemetry/api'
import { SamplingDecision, type Sampler } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { startRun, withSpan, wrapAgent } from '../../src/index.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { runProcess } from '../support/spawn-process.ts'
import { expectTrace, kind, links } from '../support/trace-text.ts'

const parent = 'runspan.parent_run.id'
const child = 'runspan.child_run.id'

/** What an HTTP instrumentation does around a handler. */
function inServerSpan<R>(handler: (span: Span) => R): R {
  const span = trace.getTracer('http').startSpan('GET /chat', { kind: SpanKind.SERVER })
  return context.with(trace.setSpan(context.active(), span), () => handler(span))
}

describe('a dispatch span', () => {
  it('stands where the run was started for as long as that lasts, and links both ways', async () => {
    await using spans = recordSpans()
    const { runId, result } = await wrapAgent('planner', () => withSpan('step', () => startRun('executor')))
    // The parent has ended, the child has not, and so neither has its dispatch span.
    expect(spans.of(runId).map(({ name }) => name)).toEqual(['invoke_agent planner', 'step'])
    result.with(() => withSpan('work', () => {}))
    result.end()
    expectTrace(spans.text({ kind, child, parent, links, in: 'gen_ai.usage.input_tokens' })).toBe(`
      invoke_agent planner
        step
          invoke_agent executor  kind=CLIENT child=${result.runId} links=parent
        runspan amendment
      invoke_agent executor      parent=${runId} links=parent
        work
    `)
    const dispatch = spans.of(runId)[2]!
    expect(dispatch.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'executor',
      [child]: result.runId,
    })
    expect(dispatch.links[0]!.context).toMatchObject({ traceId: result.runId, spanId: result.spanId })
    expect(spans.root(result.runId).links[0]!.context).toMatchObject(dispatch.spanContext())
    const ended = spans.inEndOrder
    expect(ended.indexOf(dispatch)).toBeGreaterThan(ended.indexOf(spans.root(result.runId)))
  })

  it('is a trigger where a server span was active, and the run is nobody’s child', async () => {
    await using spans = recordSpans()
    const { runId } = await inServerSpan(async (server) => {
      const run = await wrapAgent('chat', () => {})
      server.end()
      return run
    })
    expectTrace(spans.text({ kind, child, parent, links })).toBe(`
      GET /chat            kind=SERVER
        invoke_agent chat  kind=CLIENT child=${runId} links=trigger
      invoke_agent chat    links=trigger
    `)
    expect(spans.span('GET /chat').links).toEqual([])
  })

  it('fails as the run does, and is no failure where that was cancelled', async () => {
    await using spans = recordSpans()
    await wrapAgent('planner', async () => {
      await wrapAgent('failing', () => Promise.reject(new RangeError('too far'))).catch(() => {})
      await wrapAgent('cancelled', () => Promise.reject(new DOMException('stop', 'AbortError'))).catch(() => {})
      await wrapAgent('reported', (run) => run.setStatus('timeout', 'too slow').runId)
    })
    expectTrace(
      spans.tree(spans.all[0]!.spanContext().traceId, { type: 'error.type', says: (span) => span.status.message }),
    ).toBe(`
      invoke_agent planner
        invoke_agent failing    type=RangeError says=too far ERROR
        invoke_agent cancelled
        invoke_agent reported   type=timeout says=too slow ERROR
    `)
  })

  it('is left out with dispatchSpan: false; the link then goes to the active span', async () => {
    await using spans = recordSpans()
    const { runId, result } = await wrapAgent('planner', () =>
      withSpan('step', async (step) => ({
        run: await wrapAgent('executor', () => {}, { dispatchSpan: false }),
        spanId: step.spanId,
      })),
    )
    expectTrace(spans.text({ links, parent })).toBe(`
      invoke_agent planner
        step
      invoke_agent executor  links=parent parent=${runId}
    `)
    expect(spans.root(result.run.runId).links[0]!.context).toMatchObject({ traceId: runId, spanId: result.spanId })
  })

  it('is not left where nothing is active', async () => {
    await using spans = recordSpans()
    await wrapAgent('planner', () => {})
    expectTrace(spans.text({ links })).toBe('invoke_agent planner')
  })

  it('keeps two hundred children from evicting each other’s links', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', async (run) => {
      await Promise.all(Array.from({ length: 100 }, () => wrapAgent('awaited', () => {})))
      for (let n = 0; n < 100; n++) run.spawn('spawned')
    })
    const dispatches = spans.of(runId).filter((span) => span.attributes[child] !== undefined)
    expect(dispatches).toHaveLength(200)
    expect(new Set(dispatches.map((span) => span.links[0]!.context.traceId)).size).toBe(200)
    expect(spans.root(runId).links).toHaveLength(0)
    expect(spans.all.every((span) => span.droppedLinksCount === 0)).toBe(true)
    const children = spans.all.filter((span) => span.attributes[parent] === runId)
    expect(new Set(children.map((span) => span.links[0]!.context.spanId)).size).toBe(100)
  })

  it('has no usage of its own, so that nobody adds up a child twice', async () => {
    await using spans = recordSpans()
    const { ended } = await wrapAgent('planner', () =>
      wrapAgent('executor', (run) => run.setUsage({ inputTokens: 100, outputTokens: 10, costUsd: 1 }).runId),
    )
    const usage = spans.all.flatMap((span) => Object.keys(span.attributes).filter((key) => key.includes('usage')))
    expect(usage).toEqual(['runspan.usage.input_tokens', 'runspan.usage.output_tokens'])
    expect((await ended).totals).toMatchObject({ inputTokens: 0, spans: 2 })
  })
})

describe('spawn', () => {
  it('leaves a PRODUCER span that ends at once, also from outside the run’s context and after its end', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    const inside = run.with(() => withSpan('step', () => run.spawn('inside')))
    const outside = run.spawn('outside')
    run.end()
    const late = run.spawn('late')
    expectTrace(spans.tree(run.runId, { kind, child, links })).toBe(`
      invoke_agent planner
        step
          invoke_agent inside   kind=PRODUCER child=${inside.runId} links=spawn
        invoke_agent outside    kind=PRODUCER child=${outside.runId} links=spawn
        invoke_agent late       kind=PRODUCER child=${late.runId} links=spawn
        runspan amendment
    `)
    expect(spans.all.every((span) => span.status.code === SpanStatusCode.UNSET)).toBe(true)
  })

  it('fixes the id of a child that starts in another process', async () => {
    await using spans = recordSpans()
    await using sink = await startOtlpSink()
    const { runId, result: ref } = await wrapAgent('planner', (run) => run.spawn('researcher', { goal: 'find rows' }))
    const started = await runProcess<{ runId: string }>('spawned-child', { sink: sink.url, ref })
    expect(started.runId).toBe(ref.runId)
    const root = sink.of(ref.runId).find((span) => span.parentSpanContext === undefined)!
    expect(root.attributes).toMatchObject({
      'runspan.parent_run.id': runId,
      'runspan.root_run.id': runId,
      'runspan.run.goal': 'find rows',
      'runspan.run.detached': true,
    })
    const dispatch = spans.of(runId)[1]!
    expect(root.links[0]!.context).toMatchObject({ traceId: runId, spanId: dispatch.spanContext().spanId })
    expect(dispatch.links[0]!.context).toMatchObject({ traceId: root.traceId, spanId: root.spanId, traceFlags: 1 })
  })

  it('says nothing of sampling in its ref: the flag is set until the child starts and asks its own sampler', async () => {
    const dropped = ['invoke_agent planner', 'invoke_agent writer']
    const sampler: Sampler = {
      shouldSample: (_parent, _traceId, name) => ({
        decision: dropped.includes(name) ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD_AND_SAMPLED,
      }),
      toString: () => 'by name',
    }
    await using spans = recordSpans({ sampler })
    const names = ['writer', 'editor']
    const { result: refs } = await wrapAgent('planner', (run) => names.map((name) => run.spawn(name)))
    expect(refs.map((ref) => ref.traceparent.slice(-2))).toEqual(['01', '01'])
    const started = refs.map((ref, at) =>
      wrapAgent(names[at]!, (run) => [run.runId === ref.runId, run.recorded, run.ref.traceparent.slice(-2)], {
        from: ref,
      }),
    )
    expect((await Promise.all(started)).map(({ result }) => result)).toEqual([
      [true, false, '00'],
      [true, true, '01'],
    ])
    expect(spans.all.map(({ name }) => name)).toContain('invoke_agent editor')
  })

  it('works from a joined part: the child’s parent is the run', async () => {
    await using spans = recordSpans()
    await using sink = await startOtlpSink()
    const run = startRun('planner')
    const { ref } = await runProcess<{ ref: never }>('joined-spawner', { sink: sink.url, ref: run.ref })
    run.end()
    expect(ref).toMatchObject({ parentRunId: run.runId, rootRunId: run.runId, agentName: 'helper' })
    expectTrace(sink.tree(run.runId, { kind })).toBe(`
      (missing)
        invoke_agent planner
          invoke_agent helper    kind=PRODUCER
    `)
    expect(spans.all).toHaveLength(1)
  })
})

describe('a family', () => {
  it('of three levels with a concurrent fan-out keeps every trace apart', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', () =>
      Promise.all(
        Array.from({ length: 8 }, async (_, branch) => {
          const { runId: researcher } = await wrapAgent(`researcher ${branch}`, async () => {
            await Promise.all(
              Array.from({ length: 4 }, async (_leaf, leaf) => {
                await Promise.resolve()
                await wrapAgent(`reader ${branch}.${leaf}`, () => withSpan(`read ${branch}.${leaf}`, () => {}))
              }),
            )
          })
          return researcher
        }),
      ),
    )
    const roots = spans.all.filter((span) => span.parentSpanContext === undefined)
    expect(roots).toHaveLength(1 + 8 + 32)
    for (const root of roots) {
      const id = root.spanContext().traceId
      const name = root.name.replace('invoke_agent ', '')
      const branch = name.split(' ')[1]?.split('.')[0]
      if (name.startsWith('reader')) {
        expect(spans.of(id).map((span) => span.name)).toEqual([root.name, name.replace('reader', 'read')])
        const researcher = roots.find((other) => other.name === `invoke_agent researcher ${branch}`)!
        expect(root.attributes).toMatchObject({
          [parent]: researcher.spanContext().traceId,
          'runspan.root_run.id': runId,
        })
      } else if (name.startsWith('researcher')) {
        const below = spans.of(id).slice(1)
        expect(below.map((span) => span.name).toSorted()).toEqual(
          [0, 1, 2, 3].map((leaf) => `invoke_agent reader ${branch}.${leaf}`),
        )
        expect(root.attributes).toMatchObject({ [parent]: runId, 'runspan.root_run.id': runId })
      }
    }
    expect(spans.of(runId)).toHaveLength(9)
  })
})
