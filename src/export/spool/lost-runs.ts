import {
  closeSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { join } from 'node:path'

import type { EncodedSpan } from '../otlp/encoded-span.ts'
import { readOpenRuns } from './open-run-record.ts'
import { livesOn } from './process-identity.ts'
import { isMissing } from './record-file.ts'
import { formatFileName, parseFileName } from './spool-file-name.ts'

/** The record that says whose a file is fits in here: it comes first. */
const ownerBytes = 1024

/** Who looks for lost runs, and for which destination. */
export interface LostRunSearch {
  readonly directory: string
  readonly key: string
  readonly owner: string
  readonly leaseMillis: number
  /**
   * Takes the roots of runs whose process was lost.
   *
   * @param lastSeenUnixMillis when that process last showed that it lived
   * @returns whether they are in safe hands
   */
  readonly take: (roots: readonly EncodedSpan[], lastSeenUnixMillis: number) => boolean
  /** Something went wrong that another look may mend. */
  readonly failed: (what: string, error: unknown) => void
}

/**
 * Takes over the open runs of processes that have been lost: at once where the system says that the process lives no more,
 * else when it has not touched its file for a lease. Renaming the file decides who does, which only one can; what is in it
 * is let go of when it is in the spool. So each run is reported once, and twice at worst, where whoever took it over is
 * lost in between.
 */
export function adoptLostRuns(search: LostRunSearch, nowUnixMillis: number): void {
  for (const name of readdirSync(search.directory)) {
    try {
      const mine = takenOver(name, search, nowUnixMillis)
      if (mine !== undefined) report(mine, search)
    } catch (error) {
      // Somebody else was quicker.
      if (!isMissing(error)) search.failed('take over open runs', error)
    }
  }
}

interface TakenFile {
  readonly path: string
  readonly lastSeenUnixMillis: number
}

/** @returns the file, where it is this process's now */
function takenOver(
  name: string,
  { directory, key, owner, leaseMillis }: LostRunSearch,
  nowUnixMillis: number,
): TakenFile | undefined {
  const runs = parseFileName(name, 'runs')
  const lost = runs === undefined ? parseFileName(name, 'lost') : undefined
  const parsed = runs ?? lost
  if (parsed?.key !== key) return undefined
  const path = join(directory, name)
  if (parsed.owner === owner) {
    // What could not be spooled before.
    return lost === undefined ? undefined : { path, lastSeenUnixMillis: lost.number }
  }
  const { mtimeMs } = statSync(path)
  const isLive = runs === undefined ? undefined : ownerLives(path)
  if (isLive === true || (isLive === undefined && nowUnixMillis - mtimeMs < leaseMillis)) return undefined
  const lastSeenUnixMillis = lost?.number ?? Math.floor(mtimeMs)
  const mine = join(directory, formatFileName({ ...parsed, owner, number: lastSeenUnixMillis }, 'lost'))
  // Before anybody sees the new name, which counts by its age.
  utimesSync(path, nowUnixMillis / 1000, nowUnixMillis / 1000)
  renameSync(path, mine)
  return { path: mine, lastSeenUnixMillis }
}

function ownerLives(path: string): boolean | undefined {
  const start = Buffer.alloc(ownerBytes)
  const descriptor = openSync(path, 'r')
  try {
    const { owner } = readOpenRuns(start.subarray(0, readSync(descriptor, start, 0, ownerBytes, 0)))
    return owner === undefined ? undefined : livesOn(owner)
  } finally {
    closeSync(descriptor)
  }
}

function report({ path, lastSeenUnixMillis }: TakenFile, { take, failed }: LostRunSearch): void {
  const { roots, isTorn } = readOpenRuns(readFileSync(path))
  if (isTorn) failed('read the end of a file of open runs, which is cut off', undefined)
  if (roots.length === 0 || take(roots, lastSeenUnixMillis)) unlinkSync(path)
}
