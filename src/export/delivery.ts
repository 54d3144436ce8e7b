import { diag } from '@opentelemetry/api'

import type { SpanProcessorLike } from '../rollup/span-like.ts'
import { shared } from '../run/shared.ts'
import { isRegistered } from './registered-globals.ts'
import { settle } from './settle.ts'
import type { ExportResultLike, SpanExporterLike } from './trace-sdk.ts'

/** What left and what was lost, in spans. */
export interface DeliveryCounts {
  readonly exported: number
  readonly failed: number
  readonly dropped: number
  /** The first failure, if there was one. */
  readonly error: unknown
}

type Export = (spans: readonly unknown[], resultCallback: (result: ExportResultLike) => void) => void

interface EndedSpan {
  spanContext(): { readonly traceFlags: number }
}

const sampled = 1
const burstMillis = 60_000

/**
 * Watches spans on their way out, because the batch processor neither says what it dropped nor waits for an export in
 * flight: {@link queueing} sees what goes into its queue, {@link tracking} what comes out and how that ended.
 */
export class Delivery {
  #exported = 0
  #failed = 0
  #dropped = 0
  #error: unknown
  #queued = 0
  #endedSinceAsked = false
  #lastWarningUnixMillis = Number.NEGATIVE_INFINITY
  #hasSpoken = false
  #inFlightSpans = 0
  readonly #inFlight = new Set<Promise<void>>()
  readonly #exporters: SpanExporterLike[] = []

  /** The same exporter, watched. */
  tracking(exporter: SpanExporterLike): SpanExporterLike {
    this.#exporters.push(exporter)
    const watchedExport: Export = (spans, resultCallback) => {
      this.#queued = Math.max(0, this.#queued - spans.length)
      this.#exportOnce(exporter, spans, resultCallback)
    }
    return { export: watchedExport, shutdown: () => exporter.shutdown() }
  }

  /**
   * The same processor, watched: where its queue of `maxQueueSize` is full, the newest span is dropped, as the
   * processor would do itself without telling.
   */
  queueing(processor: SpanProcessorLike, maxQueueSize: number): SpanProcessorLike {
    const inner = processor as { onStart(span: unknown, context: unknown): void; onEnd(span: unknown): void }
    return {
      onStart: (span, context) => inner.onStart(span, context),
      onEnd: (span: EndedSpan) => {
        if ((span.spanContext().traceFlags & sampled) === 0) return
        this.#endedSinceAsked = true
        if (this.#queued >= maxQueueSize) {
          this.#dropped++
          this.#warn(
            `a span was dropped, because ${maxQueueSize} are waiting for export. Raise OTEL_BSP_MAX_QUEUE_SIZE.`,
          )
          return
        }
        this.#queued++
        inner.onEnd(span)
      },
      forceFlush: () => processor.forceFlush(),
      shutdown: () => processor.shutdown(),
    }
  }

  /** A processor that only notes that spans end, for where nothing of ours exports them. */
  noting(): SpanProcessorLike {
    return {
      onStart: () => undefined,
      onEnd: () => {
        this.#endedSinceAsked = true
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
  }

  /**
   * Waits for the exports that are in flight now, and asks the exporters to finish what they hold themselves. Exports
   * that start meanwhile are not waited for.
   *
   * @returns what the exporters rejected with
   */
  async settled(): Promise<readonly unknown[]> {
    await Promise.allSettled(this.#inFlight)
    return settle(this.#exporters, (exporter) => exporter.forceFlush?.())
  }

  /** Whether something has ended since this was last asked, or is on its way. */
  takeUnsent(): boolean {
    const unsent = this.#endedSinceAsked || this.#queued > 0 || this.#inFlight.size > 0
    this.#endedSinceAsked = false
    return unsent
  }

  /** Spans that wait, or are in an export that has not ended. */
  get pendingSpans(): number {
    return this.#queued + this.#inFlightSpans
  }

  /** What happened since the last call: each span is in exactly one answer. */
  takeCounts(): DeliveryCounts {
    const counts = { exported: this.#exported, failed: this.#failed, dropped: this.#dropped, error: this.#error }
    this.#exported = 0
    this.#failed = 0
    this.#dropped = 0
    this.#error = undefined
    return counts
  }

  #exportOnce(exporter: SpanExporterLike, ...[spans, resultCallback]: Parameters<Export>): void {
    let land!: () => void
    const flight = new Promise<void>((resolve) => {
      land = resolve
    })
    this.#inFlight.add(flight)
    this.#inFlightSpans += spans.length
    const finish = (result: ExportResultLike): void => {
      // Some exporters call back twice, once for the timeout and once for the answer.
      if (!this.#inFlight.delete(flight)) return
      this.#inFlightSpans -= spans.length
      this.#count(result, spans.length)
      land()
      resultCallback(result)
    }
    try {
      exporter.export(spans as never, finish)
    } catch (error) {
      // A processor would throw it on, out of somebody's span.end().
      finish({ code: 1, error: error instanceof Error ? error : new Error(String(error)) })
    }
  }

  #count({ code, error }: ExportResultLike, spanCount: number): void {
    if (code === 0) {
      this.#exported += spanCount
      return
    }
    this.#failed += spanCount
    this.#error ??= error ?? new Error('the exporter reported a failure without a reason')
    const what = spanCount === 1 ? '1 span was' : `${spanCount} spans were`
    const reason = error?.message === undefined || error.message === '' ? 'no reason was given' : error.message
    this.#warn(`${what} lost, because the export failed (${reason}). Check the address of the collector.`)
  }

  /** Says so once per minute; where nobody listens to diag, once per process as a warning of Node's. */
  #warn(message: string): void {
    if (!isRegistered('diag')) {
      if (!this.#hasSpoken) {
        process.emitWarning(`${message} Further losses are in FlushReport, and printed with OTEL_LOG_LEVEL=warn.`, {
          type: 'RunspanWarning',
        })
      }
      this.#hasSpoken = true
      return
    }
    const now = shared().clock.nowUnixMillis()
    if (now - this.#lastWarningUnixMillis < burstMillis) return
    this.#lastWarningUnixMillis = now
    diag.warn(`runspan: ${message}`)
  }
}
