import { SpanKind, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { explainSpan, startRun, wrapAgent } from '../../src/index.ts'
import { chat, emitInOrder, emitSpans, operation, startForeign, usage } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

describe('why a span was counted or not', () => {
  it('is told of a model call, and of the container that repeats it', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () =>
      emitSpans([operation('invoke_workflow', { attributes: usage(7), below: [chat(7)] })]),
    )
    expect(explainSpan(spans.span('chat'))).toEqual({
      role: 'leaf',
      counted: true,
      reason: 'model_call',
      text: 'It is a model call that reports its usage.',
      runId,
      scope: 'run',
      usage: { inputTokens: 7, outputTokens: 0 },
    })
    expect(explainSpan(spans.span('invoke_workflow'))).toMatchObject({ counted: false, reason: 'usage_below' })
  })

  it('names the model call that stands for an inner one, in whatever order they end', async () => {
    for (const order of [
      ['inner', 'outer'],
      ['outer', 'inner'],
    ]) {
      await using spans = recordSpans({ rollup: { prices: 'none' } })
      await wrapAgent('planner', () =>
        emitInOrder([chat(9, 0, { name: 'outer', below: [chat(9, 0, { name: 'inner' })] })], order),
      )
      const { counted, reason, text } = explainSpan(spans.span('inner'))
      expect({ counted, reason }).toEqual({ counted: false, reason: 'call_above_stands_for_it' })
      expect(text).toContain('"outer"')
      expect(explainSpan(spans.span('outer'))).toMatchObject({ counted: true, reason: 'model_call' })
    }
  })

  it('is told of calls without usage, and of what speaks for them', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    await wrapAgent('planner', () =>
      emitSpans([
        operation('chat', { below: [{ name: 'proxy', attributes: usage(3) }] }),
        { ...operation('chat'), name: 'silent' },
      ]),
    )
    expect(explainSpan(spans.span('proxy'))).toMatchObject({ counted: true, reason: 'stands_for_calls_below' })
    expect(explainSpan(spans.span('chat'))).toMatchObject({ counted: false, reason: 'usage_below' })
    expect(explainSpan(spans.span('silent'))).toMatchObject({ counted: true, reason: 'call_without_usage' })
  })

  it('is told of tools, once per call', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const search = { 'gen_ai.tool.name': 'search' }
    await wrapAgent('planner', () =>
      emitSpans([
        operation('execute_tool', {
          attributes: search,
          below: [{ ...operation('execute_tool', { attributes: search }), name: 'the same' }],
        }),
      ]),
    )
    expect(explainSpan(spans.span('execute_tool'))).toMatchObject({ counted: true, reason: 'tool_call' })
    expect(explainSpan(spans.span('the same'))).toMatchObject({ counted: false, reason: 'tool_above_stands_for_it' })
  })

  it('is told of everything else', async () => {
    await using spans = recordSpans({ rollup: { prices: 'none' } })
    const outside = trace.getTracer('foreign').startSpan('outside')
    outside.end()
    expect(explainSpan(outside)).toMatchObject({ counted: false, reason: 'no_run' })
    expect(explainSpan({})).toMatchObject({ role: 'unknown', reason: 'no_run' })
    const run = startRun('planner')
    run.with(() => {
      const open = startForeign({ name: 'GET', kind: SpanKind.CLIENT })
      expect(explainSpan(open)).toMatchObject({ counted: false, reason: 'still_open' })
      open.end()
      emitSpans([operation('fetch_response')])
    })
    run.end()
    expect(explainSpan(spans.span('GET'))).toMatchObject({ counted: false, reason: 'no_call' })
    expect(explainSpan(spans.span('fetch_response'))).toMatchObject({ counted: false, reason: 'describes_a_call' })
  })
})
