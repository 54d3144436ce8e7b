import { diag } from '@opentelemetry/api'

/** Where OTEL_* variables are read from: `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable's text. The specification takes an empty value as unset. */
export function readText(environment: Environment, name: string): string | undefined {
  const text = environment[name]?.trim()
  return text === undefined || text === '' ? undefined : text
}

/** A variable's number, at least `least`. One that cannot be used is named in a warning and taken as unset. */
export function readNumber(environment: Environment, name: string, least: number): number | undefined {
  const text = readText(environment, name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isFinite(value) && value >= least) return value
  diag.warn(`runspan: ${name}=${text} is ignored: it is no number of at least ${least}.`)
  return undefined
}

/** A variable's boolean: `true` in any case, everything else is false, as the specification asks. */
export function readFlag(environment: Environment, name: string): boolean {
  return readText(environment, name)?.toLowerCase() === 'true'
}

/** A variable's comma-separated names, in lower case and each once. `undefined` where it is unset. */
export function readNames(environment: Environment, name: string): readonly string[] | undefined {
  const text = readText(environment, name)
  if (text === undefined) return undefined
  const names = text.split(',').map((part) => part.trim().toLowerCase())
  return [...new Set(names.filter((part) => part !== ''))]
}
