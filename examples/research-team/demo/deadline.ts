/** Aborts when the time is up, or when somebody presses Ctrl-C or ends the process. */
export function abortAfter(millis: number): AbortSignal {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error(`It took longer than ${millis / 1000} s.`)), millis)
  timer.unref()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort(new Error(`It was ended by ${name}.`)))
  }
  return controller.signal
}

/** Rejects with the signal's reason. */
export function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  aborted.catch(() => {})
  return aborted
}
