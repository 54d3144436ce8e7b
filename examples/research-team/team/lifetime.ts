/** Something that wants to finish its work before the process goes. */
export type Stop = () => unknown

/**
 * Runs the stops in order when the process is asked to go, by a signal or by the death of the demo that started it.
 *
 * Telemetry comes last, so that it still sees the end of everything before it.
 */
export function stopInOrder(...stops: readonly Stop[]): void {
  let stopping = false
  async function stop(): Promise<void> {
    if (stopping) return
    stopping = true
    for (const step of stops) await step()
    process.exit()
  }
  const onSignal = () => {
    stop().catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  }
  process.once('SIGTERM', onSignal).once('SIGINT', onSignal).once('disconnect', onSignal)
}

/** Says that this process can take work now, and where: to the demo that started it, else to the terminal. */
export function announceReady(url?: string): void {
  if (process.send) process.send({ ready: true, url })
  else console.log(`${process.env['OTEL_SERVICE_NAME'] ?? 'service'} is ready${url === undefined ? '' : ` at ${url}`}`)
}
