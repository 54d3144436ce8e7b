import { z } from 'zod'

import { content } from './content.ts'
import type { Message } from './conversation.ts'
import { openAiError, streamPieces } from './dialect.ts'
import type { Dialect, Exchange, StreamEvent } from './dialect.ts'
import { tokenize } from './tokenize.ts'

const inputItem = z.union([
  z.object({ type: z.literal('function_call'), call_id: z.string(), name: z.string(), arguments: z.string() }),
  z.object({ type: z.literal('function_call_output'), call_id: z.string(), output: content }),
  z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content }),
])

const requestBody = z.object({
  model: z.string(),
  instructions: z.string().nullish(),
  input: z.union([z.string(), z.array(inputItem)]),
  tools: z
    .array(
      z.object({
        type: z.literal('function'),
        name: z.string(),
        description: z.string().default(''),
        parameters: z.unknown(),
      }),
    )
    .default([]),
  text: z.looseObject({ format: z.looseObject({ schema: z.unknown() }).nullish() }).nullish(),
  stream: z.boolean().default(false),
})

/**
 * `POST /v1/responses`, without a memory: an answer is not kept, so `previous_response_id` and `item_reference` are
 * refused as malformed. Callers ask with `store: false` and send the whole conversation each time.
 */
export const responses: Dialect = {
  read(body) {
    const request = requestBody.parse(body)
    const instructions: Message[] = request.instructions ? [{ role: 'system', content: request.instructions }] : []
    const input =
      typeof request.input === 'string' ? [{ role: 'user' as const, content: request.input }] : request.input
    return {
      stream: request.stream,
      streamUsage: true,
      conversation: {
        model: request.model,
        messages: [...instructions, ...input.map(toMessage)],
        tools: request.tools.map(({ name, description, parameters }) => ({ name, description, parameters })),
        answerSchema: request.text?.format?.schema,
      },
    }
  },

  respond(exchange) {
    return { ...envelope(exchange), status: 'completed', output: outputItems(exchange), usage: usage(exchange) }
  },

  *stream(exchange): Generator<StreamEvent> {
    yield event('response.created', { response: { ...envelope(exchange), status: 'in_progress', output: [] } })
    for (const [index, item] of outputItems(exchange).entries()) {
      const at = { item_id: item.id, output_index: index }
      if (item.type === 'message') {
        yield event('response.output_item.added', { output_index: index, item: { ...item, content: [] } })
        for (const piece of streamPieces(tokenize(exchange.answer.text), 4)) {
          yield event('response.output_text.delta', { ...at, content_index: 0, delta: piece }, piece)
        }
      } else {
        const added = { output_index: index, item: { ...item, arguments: '' } }
        yield event('response.output_item.added', added, `<|call|>${item.name}`)
        for (const piece of streamPieces(tokenize(item.arguments), 8)) {
          yield event('response.function_call_arguments.delta', { ...at, delta: piece }, piece)
        }
      }
      yield event('response.output_item.done', { output_index: index, item })
    }
    yield { ...event('response.completed', { response: responses.respond(exchange) }), tellsUsage: true }
  },

  refuse: openAiError,
}

function event(type: string, data: object, output?: string): StreamEvent {
  return { event: type, data: { type, ...data }, ...(output !== undefined && { output }) }
}

function toMessage(item: z.infer<typeof inputItem>): Message {
  if ('role' in item) return { role: item.role === 'developer' ? 'system' : item.role, content: item.content }
  if (item.type === 'function_call_output') return { role: 'tool', content: item.output, toolCallId: item.call_id }
  return {
    role: 'assistant',
    content: '',
    toolCalls: [{ id: item.call_id, name: item.name, arguments: item.arguments }],
  }
}

function envelope({ requestId, createdSeconds, request }: Exchange) {
  return {
    id: `resp_${requestId}`,
    object: 'response',
    created_at: createdSeconds,
    model: request.conversation.model,
    parallel_tool_calls: true,
  }
}

function outputItems({ requestId, answer, toolCalls }: Exchange) {
  const text = { type: 'output_text' as const, text: answer.text, annotations: [] }
  const message = {
    type: 'message' as const,
    id: `msg_${requestId}`,
    role: 'assistant',
    status: 'completed',
    content: [text],
  }
  const calls = toolCalls.map(({ id, name, arguments: values }) => ({
    type: 'function_call' as const,
    id: `fc_${id}`,
    call_id: id,
    name,
    arguments: values,
    status: 'completed',
  }))
  return answer.text === '' ? calls : [message, ...calls]
}

function usage({ usage: { inputTokens, cachedInputTokens, outputTokens, reasoningOutputTokens } }: Exchange) {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedInputTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningOutputTokens },
    total_tokens: inputTokens + outputTokens,
  }
}
