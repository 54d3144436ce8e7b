import { describe, expect, it } from 'vitest'

import { newRunId, recordFeedback, recordToolCall, wrapAgent } from '../../src/index.ts'
import { deferred } from '../support/deferred.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { runProcess, spawnProcess } from '../support/spawn-process.ts'
import { expectTrace, links } from '../support/trace-text.ts'

describe('tool calls without a run, scripts and feedback', () => {
  it('T33 recordToolCall outside a run is a span of no run; a missing user id is no error', async () => {
    await using spans = recordSpans()
    recordToolCall({
      name: 'lookup_order',
      input: { id: 7 },
      output: 'shipped',
      conversationId: 'mcp-session-1',
      startTime: [1_700_000_000, 0],
      endTime: [1_700_000_002, 500_000_000],
    })
    recordToolCall({ name: 'escalate', error: new TypeError('closed'), userId: 'u-1' })
    expectTrace(
      spans.text({
        run: 'runspan.run.id',
        conversation: 'gen_ai.conversation.id',
        user: 'user.id',
        args: 'gen_ai.tool.call.arguments',
        result: 'gen_ai.tool.call.result',
        type: 'error.type',
        seconds: ({ duration }) => (duration[0] > 0 ? duration[0] + duration[1] / 1e9 : undefined),
      }),
    ).toBe(`
      execute_tool lookup_order  conversation=mcp-session-1 args={"id":7} result="shipped" seconds=2.5
      execute_tool escalate      user=u-1 type=TypeError ERROR
    `)
  })

  it('T34 shutdown awaits what a script did not: its runs and the requests in flight', async () => {
    const answer = deferred()
    await using sink = await startOtlpSink(() => answer.promise)
    await using script = spawnProcess('unawaited-run', { sink: sink.url, shutdown: true })
    expect(await script.message()).toBe('shutting down')
    // The backend holds its answer back; the script waits for it.
    const next = script.message()
    const early = await Promise.race([next, new Promise((resolve) => setImmediate(() => resolve('still waiting')))])
    expect(early).toBe('still waiting')
    answer.resolve()
    expect(await next).toBe('shut down')
    expect(await script.ended).toMatchObject({ code: 0, stderr: '' })
    const text = sink.all.map(({ name, attributes, traceId, spanId }) =>
      [name, attributes['runspan.run.status'], traceId.endsWith(spanId)].join(' '),
    )
    expect(text.toSorted()).toEqual([
      'invoke_agent done completed true',
      'invoke_agent failed failed true',
      'invoke_agent in flight abandoned true',
      'work  false',
    ])
  })

  it('T34 without the shutdown they would be lost', async () => {
    await using sink = await startOtlpSink()
    await using script = spawnProcess('unawaited-run', { sink: sink.url, shutdown: false })
    expect(await script.ended).toMatchObject({ code: 0 })
    expect(sink.all).toEqual([])
  })

  it('T35 feedback can be given after the run has ended, from any process', async () => {
    await using spans = recordSpans()
    await using sink = await startOtlpSink()
    const { runId } = await wrapAgent('planner', () => {})
    recordFeedback(runId, { score: 1, comment: 'helpful', userId: 'u-1' })
    await runProcess('feedback-giver', { sink: sink.url, runId, feedback: { name: 'tone', label: 'good' } })
    recordFeedback(newRunId(), { score: 0 })
    const shown = {
      name: 'gen_ai.evaluation.name',
      score: 'gen_ai.evaluation.score.value',
      label: 'gen_ai.evaluation.score.label',
      comment: 'gen_ai.evaluation.explanation',
      by: 'runspan.reviewer.id',
      links,
    }
    expectTrace(spans.text(shown)).toBe(`
      invoke_agent planner
      gen_ai.evaluation.result  name=user_feedback score=1 comment=helpful by=u-1 links=review
      gen_ai.evaluation.result  name=user_feedback score=0 links=review
    `)
    const review = sink.all[0]!
    expect(review.attributes).toMatchObject({
      'gen_ai.evaluation.name': 'tone',
      'gen_ai.evaluation.score.label': 'good',
    })
    expect(review.attributes['runspan.target_run.id']).toBe(runId)
    for (const { context } of [spans.all[1]!.links[0]!, review.links[0]!]) {
      expect(context).toMatchObject({ traceId: runId, spanId: spans.root(runId).spanContext().spanId })
    }
  })
})
