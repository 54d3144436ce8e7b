import type { Answer, Conversation, ToolCall } from './conversation.ts'
import type { LedgerEntry } from './ledger.ts'

/** A request, read from the wire. */
export interface ModelRequest {
  readonly conversation: Conversation
  readonly stream: boolean
  /** Whether a stream ends with the usage. */
  readonly streamUsage: boolean
}

/** An answer with everything a response says about it. */
export interface Exchange {
  readonly requestId: string
  readonly createdSeconds: number
  readonly request: ModelRequest
  readonly answer: Answer
  readonly toolCalls: readonly ToolCall[]
  readonly usage: Pick<LedgerEntry, 'inputTokens' | 'cachedInputTokens' | 'outputTokens' | 'reasoningOutputTokens'>
}

/** One server-sent event. */
export interface StreamEvent {
  readonly event?: string
  readonly data: unknown
  /** What the event adds to the output; it is billed once it was sent. */
  readonly output?: string
}

/** One of the two ways to talk to a model over HTTP. */
export interface Dialect {
  /** @throws when the body is no request of this dialect */
  readonly read: (body: unknown) => ModelRequest
  readonly respond: (exchange: Exchange) => unknown
  readonly stream: (exchange: Exchange) => Iterable<StreamEvent>
}

/** Cuts a text into the pieces a stream sends. */
export function streamPieces(tokens: readonly string[], tokensPerPiece: number): string[] {
  const pieces: string[] = []
  for (let start = 0; start < tokens.length; start += tokensPerPiece) {
    pieces.push(tokens.slice(start, start + tokensPerPiece).join(''))
  }
  return pieces
}
