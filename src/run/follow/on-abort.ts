const callbacksOf = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back when a signal aborts. One listener serves all callbacks of a signal: an application may give the same one
 * to all its runs, and Node 20 warns of a leak from the eleventh listener on.
 */
export function onAbort(signal: AbortSignal, callback: () => void): void {
  const known = callbacksOf.get(signal)
  if (known !== undefined) {
    known.add(callback)
    return
  }
  const callbacks = new Set([callback])
  callbacksOf.set(signal, callbacks)
  const onlyListener = (): void => {
    for (const each of callbacks) each()
  }
  signal.addEventListener('abort', onlyListener, { once: true })
}

/** Takes a callback back. The listener stays with its signal: it holds nothing else. */
export function offAbort(signal: AbortSignal, callback: () => void): void {
  callbacksOf.get(signal)?.delete(callback)
}
