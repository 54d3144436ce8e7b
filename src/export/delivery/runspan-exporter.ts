import { count } from '../../run/stats.ts'
import type { FlushReport } from '../flush-report.ts'
import type { ExportableSpan } from '../otlp/exportable-span.ts'
import type { ExportResultLike } from '../trace-sdk.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import type { DestinationStats } from './delivery-stats.ts'
import { SpanDelivery } from './span-delivery.ts'

const success = 0
const failure = 1

/**
 * A `SpanExporter` for set-ups that batch spans themselves. It has the queue of the {@link RunspanSpanProcessor} behind
 * it, so that success means: accepted, and delivered as soon as the destination takes it. The account begins here: what
 * a batch processor drops before, only that one knows. Prefer the processor where nothing else asks for an exporter.
 *
 * @example
 * ```ts
 * import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
 * import { RunspanExporter } from 'runspan/export'
 *
 * const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new RunspanExporter())] })
 * provider.register()
 * ```
 */
export class RunspanExporter {
  readonly #delivery: SpanDelivery

  /** @throws {@link RunspanError} `bad_configuration` where an option or a variable of the environment cannot work */
  constructor(options: DeliveryOptions = {}) {
    this.#delivery = new SpanDelivery(options, process.env)
  }

  /** Accepts spans. The result is a failure where some found the queue full, or came after the shutdown. */
  export(spans: readonly ExportableSpan[], resultCallback: (result: ExportResultLike) => void): void {
    let accepted = 0
    try {
      this.#delivery.startedSpans += spans.length
      for (const span of spans) if (this.#delivery.take(span)) accepted++
    } catch (error) {
      count('internalErrors', 'spans could not be queued for export.', error)
    }
    if (accepted === spans.length) resultCallback({ code: success })
    else
      resultCallback({
        code: failure,
        error: new Error(`${spans.length - accepted} of ${spans.length} spans were not accepted`),
      })
  }

  /** See {@link RunspanSpanProcessor.flush}. */
  flush(): Promise<FlushReport> {
    return this.#delivery.flush()
  }

  /** {@link flush}, as the SDK calls it. */
  async forceFlush(): Promise<void> {
    await this.#delivery.drainedInTime()
  }

  /** See {@link RunspanSpanProcessor.shutdown}. */
  async shutdown(): Promise<void> {
    await this.#delivery.shutdown()
  }

  /** Where every span is, per destination. */
  stats(): readonly DestinationStats[] {
    return this.#delivery.stats()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }
}
