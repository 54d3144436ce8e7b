import { readFileSync, readlinkSync } from 'node:fs'

/** A process, so precisely that nobody takes a later one for it: ids of processes are given out again. */
export interface ProcessIdentity {
  /** Within which ids of processes mean something: the boot of the machine, and the namespace. */
  readonly space: string
  readonly pid: number
  /** When it started, in ticks since the boot. */
  readonly startTicks: string
}

/** @returns nothing where the system does not say, which is everywhere but on Linux */
export function ownIdentity(): ProcessIdentity | undefined {
  const space = ownSpace()
  const startTicks = startTicksOf(process.pid)
  return space === undefined || startTicks === undefined ? undefined : { space, pid: process.pid, startTicks }
}

/** Whether a process lives. @returns nothing where that cannot be known from here */
export function livesOn({ space, pid, startTicks }: ProcessIdentity): boolean | undefined {
  if (space !== ownSpace()) return undefined
  const found = startTicksOf(pid)
  return found === undefined ? undefined : found === startTicks
}

function ownSpace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return undefined
  }
}

/**
 * @returns an empty text where there is no such process, or only what its parent has not taken note of yet; nothing where
 *   that cannot be known
 */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in brackets, and may hold some itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19]
  } catch {
    return isThere(pid) ? undefined : ''
  }
}

/** Other users' processes may be hidden. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
