import { context } from '@opentelemetry/api'

import { shared } from '../../run/shared.ts'
import { count, guarded } from '../../run/stats.ts'
import type { Environment } from '../environment.ts'
import type { FlushReport } from '../flush-report.ts'
import { isRegistered } from '../registered-globals.ts'
import type { ExportableSpan } from '../otlp/exportable-span.ts'
import { createLanes } from './create-lanes.ts'
import type { DeliveryOptions } from './delivery-options.ts'
import { deliverySettings, type DeliverySettings } from './delivery-settings.ts'
import type { DestinationStats } from './delivery-stats.ts'
import type { Destination } from './destination.ts'
import { observeDelivery } from './delivery-metrics.ts'
import type { DropReport } from './drop.ts'
import { watchExit, type Leaving } from './exit-hook.ts'
import { Intake } from './intake.ts'
import { LossLog } from './loss-log.ts'
import { OpenRunJournal } from './open-run-journal.ts'
import { ReportCounts, type DeliveryCounts } from './report-counts.ts'
import { sendInWorker } from './send-in-worker.ts'
import { summaryOf } from './summary.ts'
import { suppressedContext } from './suppressed-context.ts'
import { withDeadline } from './with-deadline.ts'

/** How long spans are encoded for when the time is over; a disk may still take them. */
const closingMillis = 1000

/**
 * Spans from their end to their destinations.
 *
 * - taking: spans are encoded, queued and sent.
 * - closing: entered by {@link shutdown}; spans that end now are late, what is there is still being sent.
 * - closed: everything is delivered or counted as lost. Never left.
 */
export class SpanDelivery implements Leaving {
  startedSpans = 0
  readonly destinations: readonly Destination[]
  /** The note of open runs, where there is a spool to keep it in. */
  readonly openRuns: OpenRunJournal | undefined
  readonly #settings: DeliverySettings
  readonly #intake: Intake
  readonly #log = new LossLog()
  readonly #counts: ReportCounts
  #endedSpans = 0
  #unsampledSpans = 0
  #lateSpans = 0
  #isTimerRunning = false
  #isObserved = false
  #isClosed = false
  /** How many spans had ended when the natural end of the process was last prepared for. */
  #drainedEndedSpans = 0
  readonly #stopWatchingExit: () => void
  #shutdown: Promise<void> | undefined

  /** @throws {@link RunspanError} `bad_configuration` where an option or a variable cannot work */
  constructor(options: DeliveryOptions, environment: Environment) {
    this.#settings = deliverySettings(options, environment)
    const onDrop = (drop: DropReport): void => {
      this.#counts.noteLoss(drop)
      this.#settings.onDrop?.(drop)
    }
    const lanes = createLanes({ ...this.#settings, onDrop }, this.#log)
    this.destinations = lanes.flatMap(({ destinations }) => destinations)
    this.#counts = new ReportCounts(this.destinations)
    this.#intake = new Intake(lanes, this.#settings.maxQueueSize)
    this.openRuns = OpenRunJournal.open(lanes)
    this.#observe()
    this.#stopWatchingExit = watchExit(this)
  }

  /** @returns whether the span was taken, as far as that is known: its size is not */
  take(span: ExportableSpan): boolean {
    this.#endedSpans++
    if (this.#shutdown !== undefined || this.#isClosed) {
      this.#lateSpans++
      for (const destination of this.destinations) destination.missed()
      return false
    }
    const isTaken = this.#intake.take(span)
    if (!this.#isTimerRunning) this.#startTimer()
    return isTaken
  }

  /** Counts a span that ended and is not to be exported. */
  skipUnsampled(): void {
    this.#endedSpans++
    this.#unsampledSpans++
  }

  /** Spans that are on their way, summed over destinations. */
  get pendingSpans(): number {
    return this.destinations.reduce((sum, destination) => sum + this.#pendingAt(destination), 0)
  }

  /** Sends everything that has ended, for `flushTimeoutMillis` at most, and says what it did. Never rejects. */
  async flush(): Promise<FlushReport> {
    const { clock } = shared()
    const startUnixMillis = clock.nowUnixMillis()
    const isInTime = this.#shutdown === undefined ? await this.drainedInTime() : await this.#shutdown.then(() => true)
    const { exported, rejected, dropped, failed, error } = this.takeCounts()
    return {
      status: isInTime ? (rejected + dropped + failed > 0 ? 'failed' : 'completed') : 'timeout',
      exportedSpans: exported,
      failedSpans: failed,
      rejectedSpans: rejected,
      droppedSpans: dropped,
      pendingSpans: this.pendingSpans,
      durationMillis: clock.nowUnixMillis() - startUnixMillis,
      ...(error === undefined ? {} : { error }),
    }
  }

  /** Sends everything that has ended. Resolves when all of it has come to an end, however long that takes. */
  async drained(): Promise<void> {
    await this.#intake.encoded()
    // Not behind the workers: what is encoded is on its way while they are busy.
    const first = this.destinations.map((destination) => destination.flush())
    await this.#intake.workersSettled()
    await Promise.all([...first, ...this.destinations.map((destination) => destination.flush())])
  }

  /** {@link drained}, for `flushTimeoutMillis` at most. @returns whether that was enough */
  async drainedInTime(): Promise<boolean> {
    const { flushTimeoutMillis } = this.#settings
    // Somebody waits for this: without it the process would end during the pause before a retry.
    const keptAlive = setTimeout(() => undefined, flushTimeoutMillis)
    const isInTime = await withDeadline(this.drained(), flushTimeoutMillis)
    clearTimeout(keptAlive)
    return isInTime
  }

  /** Sends everything, as a flush does, then gives up what is left. Once: the second call returns the same promise. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.drainedInTime().then(() => this.close())
    return this.#shutdown
  }

  /** Gives up what is left, says so in one line per destination, and takes nothing any more. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopWatchingExit()
    this.openRuns?.close()
    this.#intake.recall(closingMillis)
    for (const destination of this.destinations) destination.close()
    for (const stats of this.stats()) {
      const { text, isLossless } = summaryOf(stats)
      if (isLossless) this.#log.info(text)
      else this.#log.warn(`${stats.destination} summary`, text)
    }
  }

  /**
   * Keeps the process alive until everything is sent, for `flushTimeoutMillis` at most, but not for a destination that
   * has never taken anything: most likely nobody has started a collector. Such a one is asked once.
   */
  drainAtNaturalEnd(): void {
    if (this.#shutdown !== undefined || this.#drainedEndedSpans === this.#endedSpans) return
    if (this.pendingSpans === 0) return
    this.#drainedEndedSpans = this.#endedSpans
    const isWorthWaiting = this.destinations.some(
      (destination) => destination.ledger.exported > 0 && this.#pendingAt(destination) > 0,
    )
    const keptAlive = isWorthWaiting ? setTimeout(() => undefined, this.#settings.flushTimeoutMillis) : undefined
    void this.drained().finally(() => clearTimeout(keptAlive))
  }

  /** Sends what is left from a worker thread while this one waits, and closes. */
  sendAtExit(): void {
    if (this.#isClosed) return
    const { exitTimeoutMillis } = this.#settings
    const hasTried = this.#drainedEndedSpans === this.#endedSpans
    this.#intake.recall(exitTimeoutMillis)
    const unsent = this.destinations
      // What was down a moment ago, when there was time, is not worth holding the end up for.
      .filter(({ gate }) => !(hasTried && gate.trouble !== undefined))
      .flatMap((destination) => destination.lastRequests())
    if (unsent.length > 0 && exitTimeoutMillis > 0) {
      try {
        const statuses = sendInWorker(
          unsent.map(({ request }) => request),
          exitTimeoutMillis,
        )
        for (const [index, request] of unsent.entries()) {
          if (statuses[index]! >= 200 && statuses[index]! < 300) request.wasTaken()
        }
      } catch (error) {
        // Where threads are not permitted. Thrown on, it would change the exit code.
        count('internalErrors', 'no thread could be started to send what was left.', error)
      }
    }
    this.close()
  }

  stats(): readonly DestinationStats[] {
    return this.destinations.map((destination) => this.#statsOf(destination))
  }

  /** One delay for all that ends while it lasts. It keeps no process alive. */
  #startTimer(): void {
    this.#isTimerRunning = true
    context.with(suppressedContext, () =>
      shared().clock.after(this.#settings.scheduledDelayMillis, () => {
        this.#isTimerRunning = false
        this.#observe()
        this.#intake.sendDue()
      }),
    )
  }

  /** The api gives meters that do nothing until a provider is registered, which applications may do after us. */
  #observe(): void {
    const { meterProvider } = this.#settings
    if (this.#isObserved || (meterProvider === undefined && !isRegistered('metrics'))) return
    this.#isObserved = true
    guarded('a meter provider', () => observeDelivery(this.destinations, () => this.stats(), meterProvider))
  }

  /** What happened since the last call: each span is in exactly one answer. */
  takeCounts(): DeliveryCounts {
    return this.#counts.take()
  }

  #pendingAt(destination: Destination): number {
    return this.#intake.spansAhead(destination) + destination.backlog.spans + destination.inFlightSpans
  }

  #statsOf(destination: Destination): DestinationStats {
    const { ledger } = destination
    return {
      destination: destination.settings.name,
      state: destination.gate.trouble ?? 'open',
      startedSpans: this.startedSpans,
      adoptedSpans: ledger.adopted,
      openSpans: this.startedSpans - this.#endedSpans,
      unsampledSpans: this.#unsampledSpans,
      lateSpans: this.#lateSpans,
      queuedSpans: this.#intake.spansAhead(destination) + destination.backlog.spans,
      queuedBytes: destination.backlog.costBytes,
      inFlightSpans: destination.inFlightSpans,
      spooledSpans: destination.backlog.spooledSpans,
      exportedSpans: ledger.exported,
      rejectedSpans: ledger.rejected,
      droppedSpans: { ...ledger.dropped },
      retriedSpans: ledger.retried,
      truncatedSpans: ledger.truncated,
    }
  }
}
