import { context } from '@opentelemetry/api'

import { count, guarded } from '../../run/stats.ts'
import { shared } from '../../run/shared.ts'
import type { EncodedResource } from '../otlp/encoded-span.ts'
import type { OtlpEncoder } from '../otlp/otlp-encoder.ts'
import type { Backlog } from './backlog.ts'
import type { Batch } from './batch.ts'
import type { DestinationSettings } from './destination-settings.ts'
import type { Gate } from './gate.ts'
import { suppressedContext } from './suppressed-context.ts'
import type { Transport } from './transport.ts'
import { verdictOf, type Verdict } from './verdict.ts'
import { withDeadline } from './with-deadline.ts'

/** Hears of every request that came to an end. */
export type RequestObserver = (durationMillis: number, failure: string | undefined) => void

/** From this many on, the next request has to wait for the next turn: about a millisecond's worth. */
const mostBytesPerTurn = 1024 * 1024

/** What a sender works with. */
export interface SenderParts {
  readonly settings: DestinationSettings
  readonly backlog: Backlog
  readonly gate: Gate
  readonly encoder: OtlpEncoder
  readonly transport: Transport
  /** A batch has an answer; it is neither waiting nor in flight. */
  readonly onVerdict: (verdict: Verdict, batch: Batch, isProbe: boolean) => void
}

/** The requests of one destination that are on their way: as many at once as the gate allows. */
export class Sender {
  onRequest: RequestObserver | undefined
  readonly #parts: SenderParts
  readonly #flights = new Set<Batch>()
  #inFlightSpans = 0
  #bytesThisTurn = 0
  #isClosed = false

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  get inFlightSpans(): number {
    return this.#inFlightSpans
  }

  get flights(): ReadonlySet<Batch> {
    return this.#flights
  }

  /**
   * Sends what is ready, as far as it fits into this turn of the event loop: building a request of 4 MiB and handing it
   * to the socket takes a millisecond or two, and eight of them in a row would be felt.
   */
  pump(): void {
    const { settings, backlog, gate } = this.#parts
    const mostFlights = { open: settings.maxConcurrentRequests, probing: 1, closed: 0 }
    while (!this.#isClosed && this.#bytesThisTurn < mostBytesPerTurn && this.#flights.size < mostFlights[gate.state]) {
      const batch = backlog.next()
      if (batch === undefined) return
      // The bound may have become smaller while the batch waited.
      if (batch.bytes > backlog.maxBatchBytes && batch.spans.length > 1) backlog.split(batch)
      else void this.#send(batch)
    }
  }

  /** A batch is not in flight any more, whatever its request comes to. @returns whether it was */
  leave(batch: Batch): boolean {
    if (!this.#flights.delete(batch)) return false
    this.#inFlightSpans -= batch.spans.length
    return true
  }

  /** Sends nothing any more. */
  close(): void {
    this.#isClosed = true
  }

  async #send(batch: Batch): Promise<void> {
    const { settings, backlog, gate, onVerdict } = this.#parts
    const isProbe = gate.state === 'probing'
    this.#flights.add(batch)
    this.#inFlightSpans += batch.spans.length
    this.#spend(batch.bytes)
    await this.#resourcesSettled(batch)
    if (!this.#flights.has(batch)) return
    if (settings.spool?.mode === 'always') backlog.keepCopy(batch)
    const start = performance.now()
    const verdict = await this.#attempt(batch)
    // Closed meanwhile: the batch has been counted as lost.
    if (!this.leave(batch)) return
    guarded('a meter', () => this.onRequest?.(performance.now() - start, failureOf(verdict)))
    onVerdict(verdict, batch, isProbe)
    this.pump()
  }

  async #attempt(batch: Batch): Promise<Verdict> {
    const { encoder, transport } = this.#parts
    let body: Uint8Array
    try {
      body = encoder.encodeRequest(batch.spans)
    } catch (error) {
      count('internalErrors', 'a request could not be put together.', error)
      return { kind: 'refused', status: undefined, reason: 'its resource cannot be read' }
    }
    return verdictOf(await transport.send(body), batch.spans.length, shared().clock.nowUnixMillis())
  }

  #spend(bytes: number): void {
    if (this.#bytesThisTurn === 0) {
      context.with(suppressedContext, () =>
        setImmediate(() => {
          this.#bytesThisTurn = 0
          this.pump()
        }),
      )
    }
    this.#bytesThisTurn += bytes
  }

  /** Detectors may still be finding out who we are. They are given the time of one attempt. */
  async #resourcesSettled(batch: Batch): Promise<void> {
    const pending = new Set<EncodedResource>()
    for (const { resource } of batch.spans) if (resource.isPending) pending.add(resource)
    if (pending.size === 0) return
    const settled = Promise.all([...pending].map((resource) => resource.settled()))
    await withDeadline(settled, this.#parts.settings.timeoutMillis)
  }
}

/** `error.type` of a request: the status, or that there was none. */
function failureOf(verdict: Verdict): string | undefined {
  if (verdict.kind === 'delivered') return undefined
  return verdict.status === undefined ? 'connection_lost' : String(verdict.status)
}
