import { readNumber, type Environment } from './environment.ts'
import type { BatchOptions } from './trace-sdk.ts'

/**
 * Spans that may wait for export where OTEL_BSP_MAX_QUEUE_SIZE says nothing. Four times the SDK's own 2048, which one
 * burst of a busy agent overflows; about 8 MB when full.
 */
const defaultMaxQueueSize = 8192

/** The batch processor's settings: OTEL_BSP_*, else the specification's defaults with a longer queue. */
export function batchOptionsFrom(environment: Environment): BatchOptions {
  const maxQueueSize = readNumber(environment, 'OTEL_BSP_MAX_QUEUE_SIZE', 1) ?? defaultMaxQueueSize
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(readNumber(environment, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 1) ?? 512, maxQueueSize),
    scheduledDelayMillis: readNumber(environment, 'OTEL_BSP_SCHEDULE_DELAY', 0) ?? 5000,
    exportTimeoutMillis: readNumber(environment, 'OTEL_BSP_EXPORT_TIMEOUT', 1) ?? 30_000,
  }
}
