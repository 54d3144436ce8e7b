/**
 * Agent runs as OpenTelemetry traces. In: agent code, and the spans it makes inside the setup the application has. Out:
 * one trace per run, with links, joined parts and totals on its root. Called by applications and by their services.
 *
 * @module
 */
export { RunspanError, type RunspanErrorCode } from './errors.ts'
export type { Carrier } from './propagation/carrier.ts'
export { bindRun } from './propagation/bind-run.ts'
export { extractRun } from './propagation/extract-run.ts'
export { injectRun } from './propagation/inject-run.ts'
export { injectTotals, takeTotals, type ReplyOptions } from './propagation/reply-totals.ts'
export { propagationAttributes, type MessageAttribute } from './propagation/message-attributes.ts'
export {
  expressMiddleware,
  type ExpressRequest,
  type ExpressResponse,
  type Middleware,
} from './propagation/middleware/express.ts'
export { propagationHeaders, type InjectOptions, type PropagationOptions } from './propagation/propagation-headers.ts'
export type { Trust, TrustedRequest } from './propagation/trust.ts'
export type { BaggageKey } from './propagation/run-baggage.ts'
export type { TrustKey } from './propagation/trust-key.ts'
export { withRunEnv, type WithRunEnv } from './propagation/with-run-env.ts'
export type { Adopt } from './rollup/adopted-run.ts'
export type {
  CallDetails,
  LongCallPrices,
  ModelPrice,
  PricedCall,
  PriceFunction,
  PriceSource,
  PriceTable,
  TokenPrices,
} from './rollup/prices.ts'
export type { RollupDetail } from './rollup/detail.ts'
export { explainSpan, type CountReason, type SpanExplanation } from './rollup/explain-span.ts'
export { RunRollupProcessor, type RollupOptions } from './rollup/run-rollup-processor.ts'
export type { ReadableSpanLike } from './rollup/span-like.ts'
export type { HoldLimits } from './sampling/held-runs.ts'
export type { KeepRules, SampledRun } from './sampling/keep-rules.ts'
export { RunSampler, type RunSamplerOptions } from './sampling/run-sampler.ts'
export { RunSamplingProcessor, type RunSamplingOptions } from './sampling/run-sampling-processor.ts'
export type { SamplerLike, SamplingResultLike } from './sampling/sampler-like.ts'
export { configureRunspan } from './run/configure.ts'
export { currentRun, currentRunId, currentSpan } from './run/current.ts'
export { doctor, type Finding } from './run/doctor.ts'
export { runIdOf } from './run/failure.ts'
export { recordFeedback, type Feedback } from './run/feedback.ts'
export { joinRun } from './run/join-run.ts'
export { llmFetch, type LlmFetchOptions } from './run/llm-fetch.ts'
export { recordLlmCall, recordToolCall } from './run/record.ts'
export { newRunId } from './run/run-id.ts'
export { RunIdGenerator, type IdGeneratorLike } from './run/run-id-generator.ts'
export type { ContentCapture, Redact, RedactionSite, RunspanOptions, StartMarkers } from './run/settings.ts'
export { endRun, startRun } from './run/start-run.ts'
export { stats, type RunspanStats } from './run/stats.ts'
export type {
  FamilyTotals,
  JoinOptions,
  LinkType,
  LlmInit,
  ModelTotals,
  OpenRun,
  Run,
  RunBudget,
  RunDetail,
  RunLink,
  RunOptions,
  RunOutcome,
  RunProgress,
  RunRef,
  RunResult,
  RunStatus,
  RunSummary,
  RunTarget,
  RunTotals,
  SpanInit,
  Usage,
  UsageDetails,
  WorkSpan,
  WorkType,
} from './run/types.ts'
export { llm, retrieval, tool, trace, withSpan } from './run/with-span.ts'
export { wrapAgent } from './run/wrap-agent.ts'
