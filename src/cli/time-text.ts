/** A moment as people of all time zones read it. */
export function timeText(unixNano: bigint): string {
  return new Date(Number(unixNano / 1_000_000n))
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}
