import { z } from 'zod'

import type { Message } from './conversation.ts'
import { streamPieces } from './dialect.ts'
import type { Dialect, Exchange, StreamEvent } from './dialect.ts'
import { tokenize } from './tokenize.ts'

const part = z.looseObject({
  text: z.string().optional(),
  functionCall: z.looseObject({ id: z.string().optional(), name: z.string(), args: z.unknown().optional() }).optional(),
  functionResponse: z
    .looseObject({ id: z.string().optional(), name: z.string(), response: z.unknown().optional() })
    .optional(),
})
const contents = z.looseObject({ role: z.string().optional(), parts: z.array(part).default([]) })

const requestBody = z.looseObject({
  contents: z.array(contents),
  systemInstruction: contents.optional(),
  tools: z
    .array(
      z.looseObject({
        functionDeclarations: z
          .array(
            z.looseObject({
              name: z.string(),
              description: z.string().default(''),
              parameters: z.unknown().optional(),
              parametersJsonSchema: z.unknown().optional(),
            }),
          )
          .default([]),
      }),
    )
    .default([]),
  generationConfig: z
    .looseObject({ responseJsonSchema: z.unknown().optional(), responseSchema: z.unknown().optional() })
    .optional(),
})

/** `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`: Gemini's, with its implicit cache. */
export const generateContent: Dialect = {
  read(body, url) {
    const request = requestBody.parse(body)
    const [, model = '', method = ''] = /\/models\/([^:]+):(\w+)$/.exec(url.pathname) ?? []
    const said = request.systemInstruction === undefined ? [] : [{ ...request.systemInstruction, role: 'system' }]
    return {
      stream: method === 'streamGenerateContent',
      streamUsage: true,
      conversation: {
        model,
        messages: [...said, ...request.contents].flatMap(({ role, parts }) =>
          parts.map((piece) => toMessage(role ?? 'user', piece)),
        ),
        tools: request.tools.flatMap(({ functionDeclarations }) =>
          functionDeclarations.map(({ name, description, parameters, parametersJsonSchema }) => ({
            name,
            description,
            parameters: parametersJsonSchema ?? parameters,
          })),
        ),
        answerSchema: request.generationConfig?.responseJsonSchema ?? request.generationConfig?.responseSchema,
      },
    }
  },

  respond(exchange) {
    const { answer } = exchange
    const text = answer.text === '' ? [] : [{ text: answer.text }]
    return chunk(exchange, [...text, ...functionCalls(exchange)], true)
  },

  *stream(exchange): Generator<StreamEvent> {
    for (const text of streamPieces(tokenize(exchange.answer.text), 4)) {
      yield { data: chunk(exchange, [{ text }], false), output: text }
    }
    const calls = exchange.answer.toolCalls.map(({ name, arguments: values }) => `<|call|>${name}${values}`)
    yield { data: chunk(exchange, functionCalls(exchange), true), output: calls.join(''), tellsUsage: true }
  },

  refuse(status, message) {
    return { error: { code: status, message, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'INVALID_ARGUMENT' } }
  },
}

function toMessage(role: string, { text, functionCall, functionResponse }: z.infer<typeof part>): Message {
  if (functionResponse !== undefined) {
    const { id, name, response } = functionResponse
    return { role: 'tool', content: resultText(response), toolCallId: id ?? name }
  }
  const speaker = role === 'model' ? 'assistant' : role === 'system' ? 'system' : 'user'
  if (functionCall === undefined) return { role: speaker, content: text ?? '' }
  const { id, name, args } = functionCall
  return { role: speaker, content: '', toolCalls: [{ id: id ?? name, name, arguments: JSON.stringify(args ?? {}) }] }
}

/** A result is an object; frameworks put a plain text under `result` or `output`. */
function resultText(response: unknown): string {
  const wrapped = z.looseObject({ result: z.unknown(), output: z.unknown() }).safeParse(response).data
  const value = wrapped?.result ?? wrapped?.output ?? response
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function functionCalls({ toolCalls }: Exchange) {
  return toolCalls.map(({ id, name, arguments: values }) => ({
    functionCall: { id, name, args: JSON.parse(values) as unknown },
  }))
}

function chunk(exchange: Exchange, parts: readonly unknown[], isLast: boolean) {
  const { requestId, request, usage } = exchange
  return {
    candidates: [{ index: 0, content: { role: 'model', parts }, ...(isLast && { finishReason: 'STOP' }) }],
    // Every chunk says the input; the output is complete in the last.
    usageMetadata: {
      promptTokenCount: usage.inputTokens,
      ...(usage.cachedInputTokens > 0 && { cachedContentTokenCount: usage.cachedInputTokens }),
      ...(isLast && {
        candidatesTokenCount: usage.outputTokens - usage.reasoningOutputTokens,
        ...(usage.reasoningOutputTokens > 0 && { thoughtsTokenCount: usage.reasoningOutputTokens }),
      }),
      totalTokenCount: usage.inputTokens + (isLast ? usage.outputTokens : 0),
    },
    modelVersion: request.conversation.model,
    responseId: requestId,
  }
}
