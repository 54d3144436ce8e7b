import { z } from 'zod'

import { content } from './content.ts'
import { renderMessage, renderTool } from './conversation.ts'
import type { Message, OfferedTool } from './conversation.ts'
import { streamPieces } from './dialect.ts'
import type { Dialect, Exchange, StreamEvent } from './dialect.ts'
import type { PromptSection } from './marked-cache.ts'
import { tokenize } from './tokenize.ts'

const mark = z.object({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).default('5m') }).nullish()

const block = z.union([
  z.object({ type: z.literal('text'), text: z.string(), cache_control: mark }),
  z.object({
    type: z.literal('tool_use'),
    id: z.string(),
    name: z.string(),
    input: z.unknown(),
    cache_control: mark,
  }),
  z.object({ type: z.literal('tool_result'), tool_use_id: z.string(), content, cache_control: mark }),
])
const blocks = z
  .union([z.string(), z.array(block)])
  .transform((value) =>
    typeof value === 'string' ? [{ type: 'text' as const, text: value, cache_control: null }] : value,
  )

const requestBody = z.object({
  model: z.string(),
  max_tokens: z.number(),
  system: blocks.default([]),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant', 'system']), content: blocks })),
  tools: z
    .array(
      z.object({
        name: z.string(),
        description: z.string().default(''),
        input_schema: z.unknown(),
        cache_control: mark,
      }),
    )
    .default([]),
  output_config: z.looseObject({ format: z.looseObject({ schema: z.unknown() }).nullish() }).nullish(),
  stream: z.boolean().default(false),
})

/** `POST /v1/messages`: Anthropic's, with caching where the caller marks it. */
export const messages: Dialect = {
  read(body) {
    const request = requestBody.parse(body)
    const sections: PromptSection[] = []
    const tools = request.tools.map((tool): OfferedTool => {
      const offered = { name: tool.name, description: tool.description, parameters: tool.input_schema }
      sections.push({ text: renderTool(offered), keep: tool.cache_control?.ttl })
      return offered
    })
    const said = [{ role: 'system' as const, content: request.system }, ...request.messages]
    const spoken = said.flatMap(({ role, content: parts }) =>
      parts.map((part): Message => {
        const message = toMessage(role, part)
        sections.push({ text: renderMessage(message), keep: part.cache_control?.ttl })
        return message
      }),
    )
    sections.push({ text: '<|assistant|>' })
    return {
      stream: request.stream,
      streamUsage: true,
      markedPrompt: sections,
      conversation: {
        model: request.model,
        messages: spoken,
        tools,
        answerSchema: request.output_config?.format?.schema,
      },
    }
  },

  respond(exchange) {
    return { ...envelope(exchange), content: contentBlocks(exchange), ...stop(exchange), usage: usage(exchange) }
  },

  *stream(exchange): Generator<StreamEvent> {
    const started = { ...envelope(exchange), content: [], stop_reason: null, stop_sequence: null }
    // What Anthropic says at the start: the whole input, and a first token of output.
    const startUsage = { ...usage(exchange), output_tokens: 1 }
    yield event('message_start', { message: { ...started, usage: startUsage } })
    for (const [index, part] of contentBlocks(exchange).entries()) {
      if (part.type === 'text') {
        yield event('content_block_start', { index, content_block: { type: 'text', text: '' } })
        for (const text of streamPieces(tokenize(part.text), 4)) {
          yield event('content_block_delta', { index, delta: { type: 'text_delta', text } }, text)
        }
      } else {
        const opened = { ...part, input: {} }
        yield event('content_block_start', { index, content_block: opened }, `<|call|>${part.name}`)
        for (const piece of streamPieces(tokenize(JSON.stringify(part.input)), 8)) {
          const delta = { type: 'input_json_delta', partial_json: piece }
          yield event('content_block_delta', { index, delta }, piece)
        }
      }
      yield event('content_block_stop', { index })
    }
    const { stop_reason, stop_sequence } = stop(exchange)
    const { service_tier: _, cache_creation: __, ...totals } = usage(exchange)
    const delta = { delta: { stop_reason, stop_sequence }, usage: totals }
    yield { ...event('message_delta', delta), tellsUsage: true }
    yield event('message_stop', {})
  },

  refuse(status, message) {
    const type = status === 429 ? 'rate_limit_error' : status === 529 ? 'overloaded_error' : 'invalid_request_error'
    return { type: 'error', error: { type, message } }
  },
}

function event(type: string, data: object, output?: string): StreamEvent {
  return { event: type, data: { type, ...data }, ...(output !== undefined && { output }) }
}

function toMessage(role: Message['role'], part: z.infer<typeof block>): Message {
  if (part.type === 'text') return { role, content: part.text }
  if (part.type === 'tool_result') return { role: 'tool', content: part.content, toolCallId: part.tool_use_id }
  return { role, content: '', toolCalls: [{ id: part.id, name: part.name, arguments: JSON.stringify(part.input) }] }
}

function envelope({ requestId, request }: Exchange) {
  return { id: `msg_${requestId}`, type: 'message', role: 'assistant', model: request.conversation.model }
}

function contentBlocks({ answer, toolCalls }: Exchange) {
  const text = answer.text === '' ? [] : [{ type: 'text' as const, text: answer.text }]
  const calls = toolCalls.map(({ id, name, arguments: values }) => ({
    type: 'tool_use' as const,
    id: id.replace('call_', 'toolu_'),
    name,
    input: JSON.parse(values) as unknown,
  }))
  return [...text, ...calls]
}

function stop({ toolCalls }: Exchange) {
  return { stop_reason: toolCalls.length > 0 ? 'tool_use' : 'end_turn', stop_sequence: null }
}

/** Anthropic counts cached input beside the input; thinking is part of the output and has no number of its own. */
function usage({ usage: { inputTokens, cachedInputTokens, ...rest } }: Exchange) {
  return {
    input_tokens: inputTokens - cachedInputTokens - rest.cacheWriteInputTokens,
    cache_creation_input_tokens: rest.cacheWriteInputTokens,
    cache_read_input_tokens: cachedInputTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: rest.cacheWriteInputTokens - rest.cacheWriteHourInputTokens,
      ephemeral_1h_input_tokens: rest.cacheWriteHourInputTokens,
    },
    output_tokens: rest.outputTokens,
    service_tier: 'standard',
  }
}
