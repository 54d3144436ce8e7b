import { shared } from '../run/shared.ts'
import type { Registration } from './registration.ts'

/** Signals that ask a process to end. */
const signals = ['SIGTERM', 'SIGINT'] as const

/**
 * Flushes before the process ends: at its natural end, and where asked on SIGTERM and SIGINT. Never calls
 * `process.exit`. On `process.exit()`, and after an exception or rejection that nobody catches, it only ends the runs
 * that are open: what is left then, our own processor sends in the last moment.
 *
 * @returns what takes the listeners away again
 */
export function flushBeforeExit(registration: Registration, onSignals: boolean): () => void {
  const stops = [flushAtNaturalEnd(registration), endRunsAtExit(registration)]
  if (onSignals) stops.push(...signals.map((signal) => flushOnSignal(registration, signal)))
  return () => {
    for (const stop of stops) stop()
  }
}

/**
 * `beforeExit` comes each time nothing is left to do, again after a flush has given the process something to do.
 *
 * - something has ended since: flush it.
 * - runs are open, the first time: wait one turn; another listener may be about to end them.
 * - they are still open: nobody will end them any more, so they end as abandoned, which is then flushed.
 * - else: let the process end.
 */
function flushAtNaturalEnd(registration: Registration): () => void {
  let hasWaited = false
  // Each run is given up once, so that nothing can keep a process from ending.
  const givenUp = new WeakSet<object>()
  function onBeforeExit(): void {
    if (registration.takeUnsent()) {
      void registration.flushUnreported()
      return
    }
    const open = [...shared().open.values()].filter((entry) => !givenUp.has(entry))
    if (open.length === 0) return
    if (hasWaited) {
      for (const entry of open) {
        givenUp.add(entry)
        entry.abandon('process_exit')
      }
    }
    hasWaited = !hasWaited
    // Something to do, so that beforeExit comes once more.
    setImmediate(() => undefined)
  }
  process.on('beforeExit', onBeforeExit)
  return () => process.off('beforeExit', onBeforeExit)
}

/** Before the processor's own listener, which sends what is there. */
function endRunsAtExit(registration: Registration): () => void {
  const onExit = (): void => {
    if (registration.sendsAtExit) registration.endOpenRuns()
  }
  process.prependListener('exit', onExit)
  return () => process.off('exit', onExit)
}

/**
 * A listener takes the signal's default away, so where nobody else listens the signal is raised again after the flush,
 * and the process ends as it would have. Others are counted when the signal arrives and before they run: one that was
 * added with `once` is gone afterwards.
 */
function flushOnSignal(registration: Registration, signal: (typeof signals)[number]): () => void {
  let isLeaving = false
  function onSignal(): void {
    const isAlone = process.listeners(signal).every((listener) => listener === onSignal)
    if (!isAlone) {
      void registration.flushUnreported()
    } else if (isLeaving) {
      // Asked a second time: do not make anybody wait for a collector that does not answer.
      raise()
    } else {
      isLeaving = true
      void registration.shutdown().finally(raise)
    }
  }
  function raise(): void {
    process.off(signal, onSignal)
    process.kill(process.pid, signal)
  }
  process.prependListener(signal, onSignal)
  return () => {
    // While it is being obeyed, the listener stays: the shutdown it started takes the others away.
    if (!isLeaving) process.off(signal, onSignal)
  }
}
