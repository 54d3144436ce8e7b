import { millisOf } from '../internal/hr-time.ts'
import type { CallDetails } from './call-details.ts'
import type { PricedCall } from './priced-call.ts'
import type { SpanRole } from './span-role.ts'

const noTime = [0, 0] as const

/**
 * What one span says of itself that matters to the sums. Token details are parts of the totals. Where it names a model it
 * is a call that can be priced as it stands.
 */
export class SpanFacts implements Omit<PricedCall, 'model'> {
  role: SpanRole = 'unknown'
  /** Whether the span reports any tokens or cost. */
  hasUsage = false
  /** How many model calls the usage is for, where that is not one. */
  calls: number | undefined = undefined
  inputTokens = 0
  outputTokens = 0
  /** Whether the span says how much output there was: a stream that is aborted may know its input alone. */
  saysOutput = false
  cacheReadInputTokens = 0
  cacheWriteInputTokens = 0
  reasoningOutputTokens = 0
  /** Kinds of tokens and tiers of service that few calls have. */
  details: CallDetails | undefined = undefined
  /** Billionths of a US dollar, where the producer reported a cost. */
  reportedNanoUsd: number | undefined = undefined
  /** `gen_ai.operation.name` */
  operation: string | undefined = undefined
  model: string | undefined = undefined
  provider: string | undefined = undefined
  /** How long its first chunk took, in seconds, where it streamed. */
  firstChunkSeconds: number | undefined = undefined
  /** 1 for a request that was sent again. */
  resends = 0
  /** When the span began, where it is to be priced. */
  startTime: readonly [seconds: number, nanos: number] = noTime

  get timeUnixMillis(): number {
    return millisOf(this.startTime)
  }
}
