import { z } from 'zod'

import { content } from './content.ts'
import { openAiError, streamPieces } from './dialect.ts'
import type { Dialect, Exchange, StreamEvent } from './dialect.ts'
import { tokenize } from './tokenize.ts'

const requestBody = z.object({
  model: z.string(),
  messages: z.array(
    z.object({
      role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
      content,
      tool_calls: z
        .array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }))
        .optional(),
      tool_call_id: z.string().optional(),
    }),
  ),
  tools: z
    .array(
      z.object({
        function: z.object({ name: z.string(), description: z.string().default(''), parameters: z.unknown() }),
      }),
    )
    .default([]),
  response_format: z.looseObject({ json_schema: z.looseObject({ schema: z.unknown() }).optional() }).nullish(),
  stream: z.boolean().default(false),
  stream_options: z.object({ include_usage: z.boolean().default(false) }).optional(),
})

/** `POST /v1/chat/completions` */
export const chatCompletions: Dialect = {
  read(body) {
    const request = requestBody.parse(body)
    return {
      stream: request.stream,
      streamUsage: request.stream_options?.include_usage ?? false,
      conversation: {
        model: request.model,
        messages: request.messages.map((message) => ({
          role: message.role === 'developer' ? 'system' : message.role,
          content: message.content,
          toolCalls: message.tool_calls?.map((call) => ({ id: call.id, ...call.function })),
          toolCallId: message.tool_call_id,
        })),
        tools: request.tools.map((tool) => ({ ...tool.function, parameters: tool.function.parameters })),
        answerSchema: request.response_format?.json_schema?.schema,
      },
    }
  },

  respond(exchange) {
    const { answer, toolCalls } = exchange
    const calls = toolCalls.map(({ id, name, arguments: values }) => ({
      id,
      type: 'function',
      function: { name, arguments: values },
    }))
    const message = {
      role: 'assistant',
      content: answer.text || null,
      ...(calls.length > 0 && { tool_calls: calls }),
    }
    return {
      ...envelope(exchange, 'chat.completion'),
      choices: [{ index: 0, message, finish_reason: finishReason(exchange) }],
      usage: usage(exchange),
    }
  },

  *stream(exchange): Generator<StreamEvent> {
    const { answer, request, toolCalls } = exchange
    const chunk = (delta: unknown, reason: string | null = null) => ({
      ...envelope(exchange, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, finish_reason: reason }],
    })
    yield { data: chunk({ role: 'assistant', content: '' }) }
    for (const piece of streamPieces(tokenize(answer.text), 4)) {
      yield { data: chunk({ content: piece }), output: piece }
    }
    for (const [index, { id, name, arguments: values }] of toolCalls.entries()) {
      const named = { index, id, type: 'function', function: { name, arguments: '' } }
      yield { data: chunk({ tool_calls: [named] }), output: `<|call|>${name}` }
      for (const piece of streamPieces(tokenize(values), 8)) {
        yield { data: chunk({ tool_calls: [{ index, function: { arguments: piece } }] }), output: piece }
      }
    }
    yield { data: chunk({}, finishReason(exchange)) }
    if (request.streamUsage) {
      const data = { ...envelope(exchange, 'chat.completion.chunk'), choices: [], usage: usage(exchange) }
      yield { data, tellsUsage: true }
    }
    yield { data: '[DONE]' }
  },

  refuse: openAiError,
}

function envelope({ requestId, createdSeconds, request }: Exchange, object: string) {
  return { id: `chatcmpl-${requestId}`, object, created: createdSeconds, model: request.conversation.model }
}

function finishReason({ toolCalls }: Exchange): string {
  return toolCalls.length > 0 ? 'tool_calls' : 'stop'
}

function usage({ usage: { inputTokens, cachedInputTokens, outputTokens, reasoningOutputTokens } }: Exchange) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedInputTokens },
    completion_tokens_details: { reasoning_tokens: reasoningOutputTokens },
  }
}
