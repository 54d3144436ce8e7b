import { context, trace, type TimeInput } from '@opentelemetry/api'

import { ATTR_GEN_AI_CONVERSATION_ID, ATTR_USER_ID } from '../attributes.ts'
import { recordFailure } from './failure.ts'
import { shapeOf } from './span-shape.ts'
import { SpanHandle, endQuietly } from './span-handle.ts'
import { startQuietly } from './start-span.ts'
import type { SpanInit, Usage, WorkType } from './types.ts'
import { activeTracer } from './work-span.ts'

/** Times of a call that is over. */
interface CallTimes {
  /** @defaultValue now */
  readonly startTime?: TimeInput
  /** @defaultValue now */
  readonly endTime?: TimeInput
}

/** Records a model call that is over: a span `chat {model}` below whatever is active. */
export function recordLlmCall(
  call: Usage &
    CallTimes & {
      readonly model: string
      readonly provider: string
      readonly input?: unknown
      readonly output?: unknown
      readonly error?: unknown
    },
): void {
  const { model, provider } = call
  record(model, 'llm', { model, provider }, call, (work) => work.setUsage({ ...call }))
}

/** Records a tool call that is over: a span `execute_tool {name}` below whatever is active, also outside a run. */
export function recordToolCall(
  call: CallTimes & {
    readonly name: string
    readonly input?: unknown
    readonly output?: unknown
    readonly error?: unknown
    /** `gen_ai.conversation.id`, for calls outside a run. */
    readonly conversationId?: string
    /** `user.id`, for calls outside a run. */
    readonly userId?: string
  },
): void {
  record(call.name, 'tool', {}, call, (work) => {
    if (call.conversationId !== undefined) work.setAttribute(ATTR_GEN_AI_CONVERSATION_ID, call.conversationId)
    if (call.userId !== undefined) work.setAttribute(ATTR_USER_ID, call.userId)
  })
}

function record(
  name: string,
  type: WorkType,
  init: SpanInit & { readonly model?: string; readonly provider?: string },
  call: CallTimes & { readonly input?: unknown; readonly output?: unknown; readonly error?: unknown },
  describe: (work: SpanHandle) => void,
): void {
  const { name: spanName, kind, attributes } = shapeOf(name, type, init)
  const startTime = call.startTime
  const active = context.active()
  const options = { kind, attributes, ...(startTime === undefined ? {} : { startTime }) }
  const span = startQuietly(activeTracer(), spanName, options, active)
  const work = new SpanHandle(span, trace.setSpan(active, span), type)
  if (call.input !== undefined) work.setInput(call.input)
  if (call.output !== undefined) work.setOutput(call.output)
  describe(work)
  if (call.error !== undefined) recordFailure(span, call.error, 'failed')
  endQuietly(span, call.endTime)
}
