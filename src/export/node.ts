/**
 * OpenTelemetry in one call, for Node. In: the SDK packages that the application has installed, and OTEL_* variables.
 * Out: a registered provider that knows runs, exports them in batches, and flushes before the process ends. Called once
 * by an application that has no set-up of its own.
 *
 * @module
 */
export {
  carryingFetch,
  carryingInterceptor,
  carryRuns,
  type CarryOptions,
  type CarryTarget,
} from '../propagation/carry-runs.ts'
export { flushAfter, type Flushable, type FlushAfterOptions } from './flush-after.ts'
export { flushAfterLambda } from './flush-after-lambda.ts'
export { flushAfterResponse } from './flush-after-response.ts'
export type { WaitUntil } from './platform-wait-until.ts'
export type { FlushReport } from './flush-report.ts'
export { registerRunspan } from './register-runspan.ts'
export type { RegisterOptions, RegisterSamplingOptions } from './register-options.ts'
export type { RegisteredRunspan } from './registration.ts'
export type { ExportResultLike, SpanExporterLike } from './trace-sdk.ts'
export type { SamplerLike } from '../sampling/sampler-like.ts'
export type { SpanProcessorLike } from '../rollup/span-like.ts'
