import { ROOT_CONTEXT, SpanKind, context, trace } from '@opentelemetry/api'
import { expect, it } from 'vitest'

import { ATTR_RUNSPAN_CHILD_RUN_ID, ATTR_RUNSPAN_LINK_TYPE, ATTR_RUNSPAN_RUN_GOAL } from '../../src/attributes.ts'
import { startRun, wrapAgent } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'

it('links a child once, as parent, when the active server span is in the parent’s own trace', async () => {
  await using spans = recordSpans()
  const parent = startRun('planner')
  const tracer = trace.getTracer('http')
  const server = tracer.startSpan(
    'POST /execute',
    { kind: SpanKind.SERVER },
    trace.setSpanContext(ROOT_CONTEXT, {
      traceId: parent.runId,
      spanId: parent.spanId,
      traceFlags: 1,
      isRemote: true,
    }),
  )
  const { runId } = await context.with(trace.setSpan(ROOT_CONTEXT, server), () =>
    wrapAgent('executor', () => 'done', { parentRunId: parent.runId, goal: 'find it' }),
  )
  server.end()
  parent.end()
  const root = spans.of(runId)[0]!
  const dispatch = spans.of(parent.runId).find((span) => span.attributes[ATTR_RUNSPAN_CHILD_RUN_ID] === runId)!
  expect(root.links.map((link) => [link.context.spanId, link.attributes?.[ATTR_RUNSPAN_LINK_TYPE]])).toEqual([
    [dispatch.spanContext().spanId, 'parent'],
  ])
  expect(dispatch.links.map((link) => link.attributes?.[ATTR_RUNSPAN_LINK_TYPE])).toEqual(['parent'])
  expect(dispatch.attributes[ATTR_RUNSPAN_RUN_GOAL]).toBe('find it')
})

it('ends a run whose caller has cancelled it as cancelled, not as abandoned, when the provider shuts down first', async () => {
  await using spans = recordSpans()
  const caller = new AbortController()
  const run = startRun('planner', { signal: caller.signal })
  caller.abort()
  await spans.provider.shutdown()
  expect((await run.ended).status).toBe('cancelled')
})
