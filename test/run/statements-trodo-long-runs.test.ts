import { describe, expect, it } from 'vitest'

import { currentRunId, endRun, newRunId, startRun, withSpan, wrapAgent, type RunRef } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { useFakeClock } from '../support/fake-clock.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { runProcess, spawnProcess } from '../support/spawn-process.ts'
import { expectTrace, links } from '../support/trace-text.ts'

const status = 'runspan.run.status'
const reason = 'runspan.run.status_reason'

describe('long runs', () => {
  it('T28 a run that A starts, B joins and C ends is one run with all spans and one true root', async () => {
    await using sink = await startOtlpSink()
    const parentRunId = newRunId()
    await using opener = spawnProcess('run-opener', { sink: sink.url, parentRunId })
    const { ref, keptId } = await opener.message<{ ref: RunRef; keptId: string }>()
    const { runId } = ref

    await runProcess('join-part', { sink: sink.url, ref, name: 'load rows' })
    // It is running: there are parts of it, and no root.
    expectTrace(sink.tree(runId)).toBe(`
      (missing)
        load rows
          chat small-model
    `)

    const end = await runProcess('run-ender', { sink: sink.url, target: ref, outcome: { output: { rows: 3 } } })
    expect(end).toEqual({ first: true, second: false, endsIgnored: 1 })

    // The opener's sweeper and shutdown take what it still owns, and nothing else.
    opener.send('let time pass')
    expect(await opener.message()).toEqual({ runsAbandoned: 1 })
    expectTrace(sink.tree(keptId, { status, reason })).toBe(`
      invoke_agent kept   status=abandoned reason=no_activity ERROR
    `)

    expectTrace(
      sink.tree(runId, {
        status,
        in: 'runspan.usage.input_tokens',
        scope: 'runspan.rollup.scope',
        complete: 'runspan.rollup.complete',
        links,
      }),
    ).toBe(`
      invoke_agent import    status=completed in=10 scope=run complete=false links=parent
        chat small-model
        load rows            in=7 scope=segment complete=true
          chat small-model
    `)
    const root = sink.of(runId)[0]!
    expect(root.startTime.map(String)).toEqual([
      ref.startUnixNano!.slice(0, -9),
      String(Number(ref.startUnixNano!.slice(-9))),
    ])
    expect(root.spanId).toBe(runId.slice(16))
    expect(root.links[0]!.context).toMatchObject({ traceId: parentRunId, spanId: parentRunId.slice(16) })
    expect(root.attributes).toMatchObject({
      'runspan.run.id': runId,
      'runspan.parent_run.id': parentRunId,
      'runspan.run.goal': 'load rows',
      'runspan.run.detached': true,
      'runspan.input': '{"table":"orders"}',
      'runspan.output': '{"rows":3}',
      'gen_ai.agent.name': 'import',
      'gen_ai.conversation.id': 'c-1',
      'user.id': 'u-1',
      'app.region': 'eu',
    })
  })

  it('T28 endRun elsewhere by a plain id or ref is a counted no-op that ends nothing', async () => {
    await using spans = recordSpans()
    await using sink = await startOtlpSink()
    const run = startRun('import')
    for (const target of [run.runId, run.ref]) {
      const end = await runProcess('run-ender', { sink: sink.url, target, outcome: {} })
      expect(end).toEqual({ first: false, second: false, endsIgnored: 2 })
    }
    expect(sink.of(run.runId)).toEqual([])
    expect(endRun(run.runId)).toBe(true)
    expect(spans.root(run.runId).attributes[status]).toBe('completed')
  })

  it('T29 startRun does not activate its run; the handle does', async () => {
    await using spans = recordSpans()
    const run = startRun('import')
    expect(currentRunId()).toBeUndefined()
    withSpan('ambient', () => {})
    expect(run.with(currentRunId)).toBe(run.runId)
    run.with(() => withSpan('inside', () => {}))
    run.span('by the handle', () => {})
    run.end()
    expectTrace(spans.text()).toBe(`
      invoke_agent import
        inside
        by the handle
      ambient
    `)
  })

  it('T30 a second end is a counted no-op: the first end stands', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const run = startRun('import')
    const first = run.end({ output: 'first' })
    expect(run.end({ error: new Error('second'), output: 'second' })).toEqual(first)
    expect(endRun(run, { status: 'failed' })).toBe(false)
    expect(endRun(run.runId, { status: 'failed' })).toBe(false)
    expect(endRun(run.ref, { status: 'failed' })).toBe(false)
    expect(counts()).toMatchObject({ runsEnded: 1, endsIgnored: 4 })
    expectTrace(spans.tree(run.runId, { status, output: 'runspan.output' })).toBe(`
      invoke_agent import    status=completed output="first"
    `)
  })

  it('T31 a run that nobody ends is abandoned after abandonAfterMillis without a span', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const run = startRun('import', { abandonAfterMillis: 60_000 })
    const busy = startRun('busy', { abandonAfterMillis: 60_000 })
    for (let minute = 0; minute < 5; minute++) {
      busy.with(() => withSpan('step', () => {}))
      clock.advance(30_000)
    }
    expectTrace(spans.tree(run.runId, { status, reason, type: 'error.type' })).toBe(`
      invoke_agent import    status=abandoned reason=no_activity type=abandoned ERROR
    `)
    expect(await run.ended).toMatchObject({ status: 'abandoned' })
    // The one that shows a span now and then goes on.
    expect(busy.end().status).toBe('completed')
  })

  it('T32 startRun and wrapAgent both take a run id of the caller, dashed or not', async () => {
    await using spans = recordSpans()
    const [first, second] = [newRunId(), newRunId()]
    const uuid = second.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toUpperCase()
    const started = startRun('import', { runId: first })
    started.end()
    const wrapped = await wrapAgent('import', (run) => run.runId, { runId: uuid })
    expect([started.runId, wrapped.runId, wrapped.result]).toEqual([first, second, second])
    expect(spans.all.map((span) => span.spanContext())).toMatchObject([
      { traceId: first, spanId: first.slice(16) },
      { traceId: second, spanId: second.slice(16) },
    ])
  })

  it('T32 without the generator the run proceeds under the id of the SDK, and says which was asked for', async () => {
    await using spans = recordSpans({ generator: 'none' })
    const asked = newRunId()
    const { runId, result } = await wrapAgent('import', (run) => run.runId, { runId: asked })
    expect(result).toBe(runId)
    expect(runId).not.toBe(asked)
    expect(spans.root(runId).attributes['runspan.requested_run.id']).toBe(asked)
  })
})
