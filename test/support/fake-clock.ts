import type { Clock, Countdown } from '../../src/internal/clock.ts'
import { shared } from '../../src/run/shared.ts'

interface Timer {
  dueUnixMillis: number
  readonly intervalMillis: number | undefined
  readonly callback: () => void
}

/** Time that passes when a test says so. Timers fire in the order in which they are due. */
export class FakeClock implements Clock, Disposable {
  #nowUnixMillis = 1_700_000_000_000
  readonly #timers = new Set<Timer>()
  readonly #onDispose: () => void

  constructor(onDispose: () => void = () => {}) {
    this.#onDispose = onDispose
  }

  nowUnixMillis(): number {
    return this.#nowUnixMillis
  }

  every(intervalMillis: number, callback: () => void): () => void {
    const timer = this.#add(intervalMillis, callback, intervalMillis)
    return () => this.#timers.delete(timer)
  }

  after(delayMillis: number, callback: () => void): Countdown {
    const timer = this.#add(delayMillis, callback, undefined)
    return {
      restart: () => {
        timer.dueUnixMillis = this.#nowUnixMillis + delayMillis
        this.#timers.add(timer)
      },
      stop: () => this.#timers.delete(timer),
    }
  }

  /** Lets time pass, and with it whatever falls due. */
  advance(millis: number): void {
    const end = this.#nowUnixMillis + millis
    for (let timer = this.#nextDue(end); timer !== undefined; timer = this.#nextDue(end)) {
      this.#nowUnixMillis = timer.dueUnixMillis
      if (timer.intervalMillis === undefined) this.#timers.delete(timer)
      else timer.dueUnixMillis += timer.intervalMillis
      timer.callback()
    }
    this.#nowUnixMillis = end
  }

  /** How many timers are waiting. */
  get timers(): number {
    return this.#timers.size
  }

  [Symbol.dispose](): void {
    this.#onDispose()
  }

  #add(delayMillis: number, callback: () => void, intervalMillis: number | undefined): Timer {
    const timer = { dueUnixMillis: this.#nowUnixMillis + delayMillis, callback, intervalMillis }
    this.#timers.add(timer)
    return timer
  }

  #nextDue(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.dueUnixMillis <= end && (next === undefined || timer.dueUnixMillis < next.dueUnixMillis)) next = timer
    }
    return next
  }
}

/** Puts a fake clock in the place of the process's, until it is disposed. Take it before the first run is opened. */
export function useFakeClock(): FakeClock {
  const state = shared()
  const before = state.clock
  const clock = new FakeClock(() => {
    state.clock = before
  })
  state.clock = clock
  return clock
}
