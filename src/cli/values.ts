import { UsageError } from './command.ts'

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90s`, `15m`, `24h` or `7d`. @throws {@link UsageError} */
export function durationOf(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  if (number === undefined || unit === undefined) throw wrong(option, text, '90s, 15m, 24h or 7d')
  return Number(number) * units[unit]!
}

/** Milliseconds since the epoch of a date, or of a time ago: `24h`. @throws {@link UsageError} */
export function timeOf(option: string, text: string, nowUnixMillis: number): number {
  if (/^\d+(?:\.\d+)?[smhd]$/.test(text)) return nowUnixMillis - durationOf(option, text)
  const time = Date.parse(text)
  if (Number.isNaN(time)) throw wrong(option, text, 'a time ago such as 24h, or a date such as 2026-11-21T10:00Z')
  return time
}

/** A whole number. @throws {@link UsageError} */
export function countOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw wrong(option, text, 'a whole number')
  return Number(text)
}

/** Billionths of a US dollar of `0.25`. @throws {@link UsageError} */
export function costOf(option: string, text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined
  const usd = Number(text)
  if (text === '' || !(usd >= 0) || usd > 1e9) throw wrong(option, text, 'US dollars, such as 0.25')
  return BigInt(Math.round(usd * 1e9))
}

const sizes: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** Bytes of `512MiB`. @throws {@link UsageError} */
export function bytesOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const [, number, unit] = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text) ?? []
  if (number === undefined || unit === undefined) throw wrong(option, text, '512MiB or 2GiB')
  return Number(number) * sizes[unit]!
}

function wrong(option: string, text: string, right: string): UsageError {
  return new UsageError(`--${option} cannot be ${JSON.stringify(text)}. Use ${right}.`)
}
