/** A count with its thousands apart: `12,345`. */
export function formatCount(count: number): string {
  return grouped(String(Math.round(count)))
}

/** A duration in the largest unit that keeps it readable: `0.4 ms`, `120 ms`, `4.21 s`, `3m 05s`, `2h 07m`. */
export function formatDuration(millis: number): string {
  if (millis < 10) return `${Number(millis.toFixed(1))} ms`
  if (millis < 999.5) return `${Math.round(millis)} ms`
  const seconds = millis / 1_000
  if (seconds < 59.995) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`
  const whole = Math.round(seconds)
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60)]
  return hours === 0 ? `${minutes}m ${twoDigits(whole % 60)}s` : `${hours}h ${twoDigits(minutes)}m`
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

/** Decimals at which the smallest of some costs still shows two digits: from 2 to 9, one column of them alike. */
export function costDecimals(costsNanoUsd: Iterable<bigint>): number {
  let smallest: bigint | undefined
  for (const cost of costsNanoUsd) if (cost > 0n && (smallest === undefined || cost < smallest)) smallest = cost
  if (smallest === undefined) return 2
  return Math.min(9, Math.max(2, 11 - String(smallest).length))
}

/** A cost in US dollars, from billionths of one, rounded to `decimals`: `$0.0123`. */
export function formatCost(costNanoUsd: bigint, decimals: number): string {
  const step = 10n ** BigInt(9 - decimals)
  const rounded = String((costNanoUsd + step / 2n) / step).padStart(decimals + 1, '0')
  return `$${grouped(rounded.slice(0, -decimals))}.${rounded.slice(-decimals)}`
}

function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(\d{3})+$)/g, ',')
}
