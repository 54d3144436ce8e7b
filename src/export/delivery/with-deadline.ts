import type { Countdown } from '../../internal/clock.ts'
import { shared } from '../../run/shared.ts'

/** Whether work that never rejects is done in time. It goes on where it is not. The timer keeps no process alive. */
export async function withDeadline(work: Promise<unknown>, timeoutMillis: number): Promise<boolean> {
  let countdown: Countdown | undefined
  const isLate = new Promise<boolean>((resolve) => {
    countdown = shared().clock.after(timeoutMillis, () => resolve(false))
  })
  const isDone = work.then(() => true)
  const isInTime = await Promise.race([isDone, isLate])
  countdown?.stop()
  return isInTime
}
