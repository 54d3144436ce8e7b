import { createHash } from 'node:crypto'

/** The owner of files that nobody has: the first who comes may take them. */
export const nobody = 'free'

/**
 * What a file holds.
 *
 * - `spool`: spans.
 * - `runs`: the roots that open runs are to have if their process is lost.
 * - `lost`: the same, of a process that is, and whoever the file belongs to is about to spool them. Its number is when
 *   that process last showed that it lived, in milliseconds since the epoch.
 */
export type SpoolFileKind = 'spool' | 'runs' | 'lost'

/** What the name of a file says, so that nobody has to open it to know whose it is. */
export interface SpoolFileName {
  /** Which destination it is for. */
  readonly key: string
  readonly createdUnixMillis: number
  readonly owner: string
  readonly number: number
}

/** What files for one destination have in common: spans for one must not reach another. */
export function spoolKeyOf(identity: string): string {
  return createHash('sha256').update(identity).digest('hex').slice(0, 12)
}

export function formatFileName(
  { key, createdUnixMillis, owner, number }: SpoolFileName,
  kind: SpoolFileKind = 'spool',
): string {
  return `${key}-${createdUnixMillis}-${owner}-${number}.${kind}`
}

/** @returns nothing where it is no file of that kind */
export function parseFileName(name: string, kind: SpoolFileKind = 'spool'): SpoolFileName | undefined {
  const [, key, created, owner, number, found] = /^([0-9a-f]+)-(\d+)-(\w+)-(\d+)\.(\w+)$/.exec(name) ?? []
  if (key === undefined || created === undefined || owner === undefined || found !== kind) return undefined
  return { key, createdUnixMillis: Number(created), owner, number: Number(number) }
}
