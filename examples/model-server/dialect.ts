import type { Answer, Conversation, ToolCall } from './conversation.ts'
import type { LedgerEntry } from './ledger.ts'
import type { PromptSection } from './marked-cache.ts'

/** A request, read from the wire. */
export interface ModelRequest {
  readonly conversation: Conversation
  /** Where the caller asked for a cache of its own: the prompt, cut at the marks. */
  readonly markedPrompt?: readonly PromptSection[] | undefined
  readonly stream: boolean
  /** Whether a stream ends with the usage. */
  readonly streamUsage: boolean
}

/** What one request is billed for, as its response says it. */
export type Usage = Pick<
  LedgerEntry,
  | 'inputTokens'
  | 'cachedInputTokens'
  | 'cacheWriteInputTokens'
  | 'cacheWriteHourInputTokens'
  | 'outputTokens'
  | 'reasoningOutputTokens'
>

/** An answer with everything a response says about it. */
export interface Exchange {
  readonly requestId: string
  readonly createdSeconds: number
  readonly request: ModelRequest
  readonly answer: Answer
  readonly toolCalls: readonly ToolCall[]
  readonly usage: Usage
}

/** One server-sent event. */
export interface StreamEvent {
  readonly event?: string
  readonly data: unknown
  /** What the event adds to the output; it is billed once it was sent. */
  readonly output?: string
  /** Whether the caller knows the whole usage once it has this event. */
  readonly tellsUsage?: boolean
}

/** One of the ways to talk to a model over HTTP. */
export interface Dialect {
  /**
   * @param url the request's, which names the model in some dialects
   * @throws when the body is no request of this dialect
   */
  readonly read: (body: unknown, url: URL) => ModelRequest
  readonly respond: (exchange: Exchange) => unknown
  readonly stream: (exchange: Exchange) => Iterable<StreamEvent>
  /** The body of a refusal. */
  readonly refuse: (status: number, message: string) => unknown
}

/** How OpenAI says no. */
export function openAiError(_status: number, message: string): unknown {
  return { error: { message, type: 'invalid_request_error', param: null, code: null } }
}

/** Cuts a text into the pieces a stream sends. */
export function streamPieces(tokens: readonly string[], tokensPerPiece: number): string[] {
  const pieces: string[] = []
  for (let start = 0; start < tokens.length; start += tokensPerPiece) {
    pieces.push(tokens.slice(start, start + tokensPerPiece).join(''))
  }
  return pieces
}
