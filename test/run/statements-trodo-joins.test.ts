import express from 'express'
import { describe, expect, it } from 'vitest'

import {
  currentRun,
  currentRunId,
  expressMiddleware,
  joinRun,
  newRunId,
  propagationHeaders,
  recordLlmCall,
  startRun,
  withSpan,
  wrapAgent,
  type RunRef,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { deferred } from '../support/deferred.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { serve, type Served } from '../support/serve.ts'
import { runProcess } from '../support/spawn-process.ts'
import { expectTrace, kind } from '../support/trace-text.ts'

/** A service that trusts everybody and answers with the run it finds itself in. */
function searchService(): Promise<Served> {
  const app = express()
  app.use(expressMiddleware({ trust: true }))
  app.get('/find/:what', (_request, response) => {
    withSpan('find', () => recordLlmCall({ model: 'small-model', provider: 'openai', inputTokens: 5 }))
    response.json({ runId: currentRunId() ?? null, joined: currentRun()?.joined ?? null })
  })
  return serve(app)
}

async function ask(service: Served, headers: Record<string, string>): Promise<unknown> {
  return (await fetch(`${service.url}/find/rows`, { headers })).json()
}

describe('joined work', () => {
  it('T19 joinRun gives one span in the same run under the named span; inner spans nest below it', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', async (run) => {
      const parentSpanId = withSpan('dispatch', (span) => span.spanId)
      await joinRun(run.runId, parentSpanId, async () => withSpan('inner', () => {}), {
        name: 'load rows',
        type: 'tool',
      })
      joinRun(run.ref, () => withSpan('inner', () => {}))
    })
    expectTrace(spans.tree(runId, { segment: 'runspan.segment', run: 'runspan.run.id' })).toBe(`
      invoke_agent planner           run=${runId}
        dispatch
          execute_tool load rows     segment=true run=${runId}
            inner
        invoke_agent planner         segment=true run=${runId}
          inner
    `)
  })

  it('T20 tokens and cost of joined spans count toward the joined run', async () => {
    await using spans = recordSpans()
    const { runId, ended } = await wrapAgent('planner', (run) => {
      recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 10, costUsd: 0.1 })
      joinRun(run.runId, () => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 5, costUsd: 0.05 }))
    })
    expect((await ended).totals).toMatchObject({ inputTokens: 15, costUsd: 0.15, llmCalls: 2 })
    expectTrace(
      spans.tree(runId, {
        in: 'runspan.usage.input_tokens',
        scope: 'runspan.rollup.scope',
        own: 'runspan.segment.local',
      }),
    ).toBe(`
      invoke_agent planner  in=15 scope=run
        chat m
        join                in=5 scope=segment own=true
          chat m
    `)
  })

  it('T21 joinRun of nothing runs the function, records nothing and counts the miss', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const marked = startRun('planner')
    const unmarked = { ...marked.ref, tracestate: 'other=1' }
    const strayed = { ...marked.ref, tracestate: `runspan=${newRunId().slice(16)}` }
    marked.end()
    const nothing = [undefined, null, '', 'no run id', '0'.repeat(32), {} as RunRef, unmarked, strayed]
    for (const target of nothing) {
      const result = joinRun(target, (span) => {
        span.setOutput('harmless').setAttribute('a', 1).setError(new Error('harmless')).event('harmless')
        return currentRunId() ?? 'no run'
      })
      expect(result).toBe('no run')
    }
    expect(joinRun(undefined, undefined, () => 'ran')).toBe('ran')
    expect(counts()).toMatchObject({ joinsOfNothing: nothing.length + 1 })
    expect(spans.all.map(({ name }) => name)).toEqual(['invoke_agent planner'])
  })

  it('T22 joinRun never creates the run: an unknown id leaves a segment under a missing root', async () => {
    await using spans = recordSpans()
    const unknown = newRunId()
    joinRun(unknown, () => withSpan('inner', () => {}), { name: 'part' })
    expectTrace(spans.tree(unknown, { segment: 'runspan.segment', spans: 'runspan.spans' })).toBe(`
      (missing)
        part     segment=true spans=2
          inner
    `)
    // The root, if it ever comes, has the id that the segment waits for.
    expect(spans.span('part').parentSpanContext?.spanId).toBe(unknown.slice(16))
  })

  it('T23 after the run is closed, explicitly joined and ambient spans are attached and accounted for', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const gate = deferred()
    let late: Promise<void> | undefined
    const { runId, ended } = await wrapAgent('planner', () => {
      late = gate.promise.then(() =>
        withSpan('ambient', () => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 3 })),
      )
    })
    gate.resolve()
    await late
    joinRun(runId, () => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 4 }), { name: 'joined' })
    await spans.provider.forceFlush()
    expectTrace(
      spans.tree(runId, {
        in: 'runspan.usage.input_tokens',
        late: 'runspan.late.usage.input_tokens',
        lateSpans: 'runspan.late.spans',
        scope: 'runspan.rollup.scope',
        own: 'runspan.segment.local',
      }),
    ).toBe(`
      invoke_agent planner   scope=run
        ambient
          chat m
        runspan amendment    late=3 lateSpans=2 scope=run
        joined               in=4 scope=segment
          chat m
    `)
    expect((await ended).totals.inputTokens).toBe(0)
    expect(counts()).toMatchObject({ lateSpans: 2, segmentsStarted: 1 })
  })

  it('T24 propagationHeaders is empty outside a run, and safe to spread', async () => {
    await using spans = recordSpans()
    expect({ accept: 'text/plain', ...propagationHeaders() }).toEqual({ accept: 'text/plain' })
    const { runId, result } = await wrapAgent('planner', (run) =>
      withSpan('step', (span) => ({ headers: propagationHeaders(), spanId: span.spanId, rootId: run.spanId })),
    )
    expect(result.headers).toEqual({
      traceparent: `00-${runId}-${result.spanId}-01`,
      tracestate: `runspan=${runId.slice(16)}`,
    })
    expect(spans.root(runId).spanContext().spanId).toBe(result.rootId)
  })

  it('T25 with the headers the callee is in the run of the caller, whatever their case; without them in none', async () => {
    await using spans = recordSpans()
    await using service = await searchService()
    const { runId, result } = await wrapAgent('planner', async () => {
      const { traceparent, tracestate } = propagationHeaders() as { traceparent: string; tracestate: string }
      return [
        await ask(service, { traceparent, tracestate }),
        await ask(service, { TraceParent: traceparent, TraceState: tracestate }),
      ]
    })
    expect(result).toEqual([
      { runId, joined: true },
      { runId, joined: true },
    ])
    expect(await ask(service, {})).toEqual({ runId: null, joined: null })
    const browser = { traceparent: `00-${newRunId()}-00f067aa0ba902b7-01` }
    expect(await ask(service, browser)).toEqual({ runId: null, joined: null })
    // A member that strayed to another trace marks nothing.
    const strayed = { ...browser, tracestate: `runspan=${newRunId().slice(16)}` }
    expect(await ask(service, strayed)).toEqual({ runId: null, joined: null })
    expect(spans.all.filter((span) => span.attributes['runspan.segment'] === true)).toHaveLength(2)
  })

  it('T26 a span of the caller and the middleware of the callee give two spans for one HTTP call', async () => {
    await using spans = recordSpans()
    await using service = await searchService()
    const { runId } = await wrapAgent('planner', () =>
      withSpan('ask the search service', () => ask(service, propagationHeaders())),
    )
    expectTrace(
      spans.tree(runId, { kind, segment: 'runspan.segment', route: 'http.route', in: 'runspan.usage.input_tokens' }),
    ).toBe(`
      invoke_agent planner              in=5
        ask the search service
          GET /find/:what               kind=SERVER segment=true route=/find/:what in=5
            find
              chat small-model          kind=CLIENT
    `)
  })

  it('T27 threads, child processes and queue consumers inherit no context and join by an explicit ref', async () => {
    await using spans = recordSpans()
    await using sink = await startOtlpSink()

    const queue: { readonly ref?: RunRef; readonly done: (joined: unknown) => void }[] = []
    const consume = (): void => {
      const job = queue.shift()!
      job.done([currentRunId() ?? null, joinRun(job.ref, () => currentRunId() ?? null, { name: 'in a consumer' })])
    }
    const enqueue = (ref?: RunRef): Promise<unknown> =>
      new Promise((resolve) => queue.push(ref === undefined ? { done: resolve } : { ref, done: resolve }))

    const [{ runId, result }, thread] = await Promise.all([
      wrapAgent('planner', async (run) => ({
        untold: await runProcess('join-part', { sink: sink.url }),
        told: await runProcess('join-part', { sink: sink.url, ref: run.ref }),
        jobs: [enqueue(), enqueue(run.ref)],
      })),
      runProcess<{ runId: string; untold: unknown; told: unknown }>('worker-host', { sink: sink.url }),
    ])
    consume()
    consume()
    expect(result.untold).toEqual({ ambient: null, joined: null })
    expect(result.told).toEqual({ ambient: null, joined: runId })
    expect(await Promise.all(result.jobs)).toEqual([
      [null, null],
      [null, runId],
    ])
    expect(thread.untold).toEqual({ ambient: null, joined: null })
    expect(thread.told).toEqual({ ambient: null, joined: thread.runId })

    // The part of the child process left that process with its own numbers, and the run knows that it is not all.
    expectTrace(sink.tree(runId, { in: 'runspan.usage.input_tokens', scope: 'runspan.rollup.scope' })).toBe(`
      (missing)
        part     in=7 scope=segment
          chat small-model
    `)
    expect(sink.of(runId)[0]!.parentSpanContext?.spanId).toBe(spans.root(runId).spanContext().spanId)
    expect(spans.root(runId).attributes['runspan.rollup.complete']).toBe(false)
    expectTrace(sink.tree(thread.runId, { segment: 'runspan.segment' })).toBe(`
      invoke_agent planner
        in a thread   segment=true
    `)
  })
})
