/**
 * Spans out of the process. In: ended spans of whichever SDK. Out: OTLP requests to one or several collectors, and an
 * account of every span. Called by applications that set OpenTelemetry up themselves; `runspan/node` uses it too.
 *
 * @module
 */
export { flushAfter, type Flushable, type FlushAfterOptions } from './flush-after.ts'
export { flushAfterLambda } from './flush-after-lambda.ts'
export { flushAfterResponse } from './flush-after-response.ts'
export type { WaitUntil } from './platform-wait-until.ts'
export { RunspanExporter } from './delivery/runspan-exporter.ts'
export { RunspanSpanProcessor } from './delivery/runspan-span-processor.ts'
export type { DeliveryOptions, DestinationOptions, TlsOptions } from './delivery/delivery-options.ts'
export type { DestinationStats } from './delivery/delivery-stats.ts'
export type { DropReason, DropReport } from './delivery/drop.ts'
export type { Offload, OffloadSite } from './otlp/outgoing-values.ts'
export type { SizeBudgets } from './otlp/size-budgets.ts'
export type { SpoolOptions } from './spool/spool-options.ts'
export type { RedactionOptions, RedactionPattern } from './redaction/redaction-options.ts'
export type { FlushReport } from './flush-report.ts'
