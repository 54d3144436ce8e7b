import { isValidSpanId } from '@opentelemetry/api'

import type { PartTotals } from '../run/part-totals.ts'
import type { Subtotal } from '../run/run-tally.ts'

/** The response header, or trailer, in which a joined service tells its caller what its part came to. */
export const totalsHeader = 'runspan-totals'

/** Longest value that is sent and read. */
const maxLength = 1024
/** As many further segments as fit, with the largest numbers, into 1 KiB. */
const maxNested = 32
const format = 'v1'
const states = { f: 'final', p: 'partial', l: 'local' } as const

/** The order in which the numbers stand. New ones are appended. */
const numbers: readonly (keyof Subtotal)[] = [
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'reasoning',
  'nanoUsd',
  'reported',
  'priced',
  'unpriced',
  'llmCalls',
  'toolCalls',
  'errors',
  'spans',
]

/**
 * A part's totals as one header: format, run, segment, state, numbers and the segments further on, divided by
 * semicolons. A part that holds more segments than there is room for is sent as partial: its numbers could not be told
 * from theirs.
 */
export function formatTotals(runId: string, totals: PartTotals): string {
  const fits = totals.nestedIds.length <= maxNested
  const state = fits ? totals.state.charAt(0) : 'p'
  const counts = numbers.map((name) => totals.subtotal[name]).join(',')
  return [format, runId, totals.segmentId, state, counts, fits ? totals.nestedIds.join(',') : ''].join(';')
}

/** The totals in a header, or `undefined` where it is malformed or about another run. */
export function parseTotals(header: unknown, runId: string): PartTotals | undefined {
  if (typeof header !== 'string' || header.length > maxLength) return undefined
  const [version, traceId, segmentId = '', letter = '', counts = '', nested = ''] = header.trim().split(';')
  const state = Object.hasOwn(states, letter) ? states[letter as keyof typeof states] : undefined
  if (version !== format || traceId !== runId || state === undefined || !isValidSpanId(segmentId)) return undefined
  const nestedIds = nested === '' ? [] : nested.split(',')
  if (nestedIds.length > maxNested || !nestedIds.every((id) => isValidSpanId(id))) return undefined
  const subtotal = parseNumbers(counts.split(','))
  return subtotal === undefined ? undefined : { segmentId, nestedIds, state, subtotal }
}

const digits = /^\d{1,16}$/

/** A later writer may append numbers that are not known here. */
function parseNumbers(texts: readonly string[]): Subtotal | undefined {
  if (texts.length < numbers.length) return undefined
  const subtotal: Record<string, number> = {}
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at]!
    const value = digits.test(text) ? Number(text) : Number.NaN
    if (!Number.isSafeInteger(value)) return undefined
    if (at < numbers.length) subtotal[numbers[at]!] = value
  }
  return subtotal as unknown as Subtotal
}
