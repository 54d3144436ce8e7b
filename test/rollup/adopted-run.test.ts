import { SpanStatusCode, context, trace } from '@opentelemetry/api'
import { expect, it } from 'vitest'

import {
  ATTR_RUNSPAN_CALLS_LLM,
  ATTR_RUNSPAN_ROLLUP_COMPLETE,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_RUNSPAN_USAGE_INPUT_TOKENS,
} from '../../src/attributes.ts'
import { RunRollupProcessor, recordLlmCall, stats } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'

/** A framework's own agent span, with one model call below it. */
function frameworkAgent(attributes: Record<string, string>, fails = false): string {
  const span = trace.getTracer('framework').startSpan('agent', { attributes })
  context.with(trace.setSpan(context.active(), span), () => {
    recordLlmCall({ model: 'gpt-4.1-mini', provider: 'openai', inputTokens: 300, outputTokens: 5 })
  })
  // A framework repeats the sum of its calls on its agent.
  span.setAttribute('gen_ai.usage.input_tokens', 300)
  if (fails) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
  return span.spanContext().traceId
}

it('makes a run of a trace whose topmost span is an agent’s, and counts its calls once', async () => {
  await using spans = recordSpans({ rollup: { adopt: 'agents' } })
  const runId = frameworkAgent({ 'gen_ai.operation.name': 'invoke_agent' })
  const root = spans.of(runId).find((span) => span.parentSpanContext === undefined)!
  expect(root.attributes).toMatchObject({
    [ATTR_RUNSPAN_RUN_ID]: runId,
    [ATTR_RUNSPAN_RUN_STATUS]: 'completed',
    [ATTR_RUNSPAN_USAGE_INPUT_TOKENS]: 300,
    [ATTR_RUNSPAN_CALLS_LLM]: 1,
    [ATTR_RUNSPAN_ROLLUP_SCOPE]: 'run',
    [ATTR_RUNSPAN_ROLLUP_COMPLETE]: true,
  })
})

it('says that an adopted run has failed when its span did', async () => {
  await using spans = recordSpans({ rollup: { adopt: 'agents' } })
  const runId = frameworkAgent({ 'gen_ai.operation.name': 'invoke_workflow' }, true)
  expect(spans.of(runId).at(0)!.attributes[ATTR_RUNSPAN_RUN_STATUS]).toBe('failed')
})

it('adopts nothing unless asked to, and no span that is not an agent’s', async () => {
  await using spans = recordSpans()
  const unasked = frameworkAgent({ 'gen_ai.operation.name': 'invoke_agent' })
  expect(spans.of(unasked).at(0)!.attributes).not.toHaveProperty(ATTR_RUNSPAN_RUN_ID)
})

it('asks a function, and adopts nothing where that throws', async () => {
  await using spans = recordSpans({ rollup: { adopt: ({ attributes }) => attributes['kind'] === 'job' } })
  const job = frameworkAgent({ kind: 'job' })
  const other = frameworkAgent({ 'gen_ai.operation.name': 'invoke_agent' })
  expect(spans.of(job).at(0)!.attributes[ATTR_RUNSPAN_RUN_ID]).toBe(job)
  expect(spans.of(other).at(0)!.attributes).not.toHaveProperty(ATTR_RUNSPAN_RUN_ID)
})

it('refuses at set-up what cannot decide', () => {
  expect(() => new RunRollupProcessor({ adopt: 'all' as never })).toThrow(/adopt: all cannot be used. Use 'agents'/)
  expect(stats().internalErrors).toBe(0)
})
