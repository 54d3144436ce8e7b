/** Time and timers as one object, so that a test of idleness or abandonment does not sleep. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowUnixMillis(): number
  /** Calls back every `intervalMillis`, without keeping the process alive. Returns what stops it. */
  every(intervalMillis: number, callback: () => void): () => void
  /** Calls back once after `delayMillis`, without keeping the process alive. */
  after(delayMillis: number, callback: () => void): Countdown
}

/** A timer that has not fired yet. */
export interface Countdown {
  /** Starts the delay again. */
  restart(): void
  stop(): void
}

interface Unrefable {
  unref?: () => void
  refresh?: () => void
}

/** Node runs a timer with a longer delay at once. */
const longestDelayMillis = 2 ** 31 - 1

export const systemClock: Clock = {
  nowUnixMillis: () => Date.now(),
  every(intervalMillis, callback) {
    const timer = setInterval(callback, Math.min(intervalMillis, longestDelayMillis))
    ;(timer as Unrefable).unref?.()
    return () => clearInterval(timer)
  },
  after(delayMillis, callback) {
    let timer = setTimeout(callback, Math.min(delayMillis, longestDelayMillis))
    ;(timer as Unrefable).unref?.()
    return {
      restart() {
        if ((timer as Unrefable).refresh) {
          timer.refresh()
          return
        }
        clearTimeout(timer)
        timer = setTimeout(callback, Math.min(delayMillis, longestDelayMillis))
      },
      stop: () => clearTimeout(timer),
    }
  },
}
