/** The owner of files that nobody has: the first who comes may take them. */
export const nobody = 'free'

/** What the name of a file says, so that nobody has to open it to know whose it is. */
export interface SpoolFileName {
  /** Which destination it is for. */
  readonly key: string
  readonly createdUnixMillis: number
  readonly owner: string
  readonly number: number
}

export function formatFileName({ key, createdUnixMillis, owner, number }: SpoolFileName): string {
  return `${key}-${createdUnixMillis}-${owner}-${number}.spool`
}

/** @returns nothing where it is no file of a spool */
export function parseFileName(name: string): SpoolFileName | undefined {
  const [, key, created, owner, number] = /^([0-9a-f]+)-(\d+)-(\w+)-(\d+)\.spool$/.exec(name) ?? []
  if (key === undefined || created === undefined || owner === undefined) return undefined
  return { key, createdUnixMillis: Number(created), owner, number: Number(number) }
}
