import type { Context } from '@opentelemetry/api'

import { count } from '../../run/stats.ts'
import type { FlushReport } from '../flush-report.ts'
import type { ExportableSpan } from '../otlp/exportable-span.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import type { DestinationStats } from './delivery-stats.ts'
import { SpanDelivery } from './span-delivery.ts'

const sampled = 1

/**
 * Queue and OTLP exporter in one span processor: what a `BatchSpanProcessor` with an OTLP exporter is, with a bound in
 * bytes, retries that do not end after ten seconds, requests that are split where they are too large, and an account
 * of every span. Needs no other OpenTelemetry package than the api.
 *
 * Register it after the processors that still write to spans, and after `RunRollupProcessor`.
 *
 * @example
 * ```ts
 * import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
 * import { RunspanSpanProcessor } from 'runspan/export'
 *
 * const delivery = new RunspanSpanProcessor({ url: 'http://localhost:4318/v1/traces' })
 * const provider = new NodeTracerProvider({ spanProcessors: [delivery] })
 * provider.register()
 * console.log(await delivery.flush(), delivery.stats())
 * ```
 */
export class RunspanSpanProcessor {
  /** @internal */
  readonly delivery: SpanDelivery

  /** @throws {@link RunspanError} `bad_configuration` where an option or a variable of the environment cannot work */
  constructor(options: DeliveryOptions = {}) {
    this.delivery = new SpanDelivery(options, process.env)
    this.delivery.openRuns?.onlySeenRoots()
  }

  /** Called by the SDK for each span that is recorded. */
  onStart(span: Pick<ExportableSpan, 'parentSpanContext'>, _parentContext: Context): void {
    this.delivery.startedSpans++
    const { openRuns } = this.delivery
    if (openRuns !== undefined && span.parentSpanContext === undefined) openRuns.sawRoot(span)
  }

  /** Called by the SDK. A span that is not sampled is counted and goes no further. */
  onEnd(span: ExportableSpan): void {
    try {
      if ((span.spanContext().traceFlags & sampled) === 0) this.delivery.skipUnsampled()
      else this.delivery.take(span)
    } catch (error) {
      count('internalErrors', 'a span could not be queued for export.', error)
    }
  }

  /**
   * Sends everything that has ended and waits for what is in flight, for `flushTimeoutMillis` at most. Never rejects.
   * A destination that is down is asked at once, unless it said when to come back.
   */
  flush(): Promise<FlushReport> {
    return this.delivery.flush()
  }

  /** {@link flush}, as the SDK calls it. */
  async forceFlush(): Promise<void> {
    await this.delivery.drainedInTime()
  }

  /**
   * Flushes, gives up what could not be delivered by the deadline, and says in one line what became of everything.
   * Once: a second call only waits for the first. Never rejects.
   */
  async shutdown(): Promise<void> {
    await this.delivery.shutdown()
  }

  /** Where every span is, per destination. */
  stats(): readonly DestinationStats[] {
    return this.delivery.stats()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }
}
