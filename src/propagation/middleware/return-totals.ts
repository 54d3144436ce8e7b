import type { Segment } from '../../run/segment.ts'
import { count } from '../../run/stats.ts'
import { tellTotals } from '../tell-totals.ts'
import { totalsHeader } from '../totals-header.ts'

/** What is used of a response of `node:http` to tell the caller what the part came to. */
export interface SealableResponse {
  readonly statusCode: number
  readonly headersSent?: boolean
  /** True once the body is known to go out in chunks. */
  readonly chunkedEncoding?: boolean
  writeHead?: AnyMethod
  end?: AnyMethod
  setHeader?: (name: string, value: string) => unknown
  hasHeader?: (name: string) => boolean
  addTrailers?: (headers: Record<string, string>) => void
}

type AnyMethod = (...args: never[]) => unknown

/**
 * Tells a trusted caller what its part came to, in a response header that is sealed in `writeHead`. It is the last word
 * where the body is there as a whole and no other span of the segment is open. Otherwise it is marked as partial, and
 * the last word follows in a trailer of a body that goes out in chunks.
 *
 * Nothing here can fail the response.
 */
export function returnTotals(response: SealableResponse, segment: Segment): void {
  const { writeHead, end } = response
  if (segment.tally === undefined || typeof writeHead !== 'function' || typeof end !== 'function') return
  let isEnding = false
  let isLastWord = false
  response.writeHead = function writeHeadWithTotals(this: unknown, ...args: unknown[]) {
    if (response.headersSent !== true) {
      quietly(() => {
        const status = typeof args[0] === 'number' ? args[0] : response.statusCode
        const isWhole = isEnding || hasLength(response, args)
        isLastWord = seal(segment, status, isWhole, (value) => response.setHeader?.(totalsHeader, value))
      })
    }
    return Reflect.apply(writeHead, this, args as never[])
  } as AnyMethod
  response.end = function endWithTotals(this: unknown, ...args: unknown[]) {
    isEnding = true
    if (response.headersSent === true && !isLastWord && response.chunkedEncoding === true) {
      quietly(() =>
        seal(segment, response.statusCode, true, (value) => response.addTrailers?.({ [totalsHeader]: value })),
      )
    }
    return Reflect.apply(end, this, args as never[])
  } as AnyMethod
}

/** @returns whether what was written is the last word */
export function seal(segment: Segment, status: number, isWhole: boolean, write: (value: string) => unknown): boolean {
  const told = tellTotals(segment, status >= 500, isWhole)
  if (told === undefined) return false
  write(told.text)
  return told.isLastWord
}

/** Whether somebody who writes the head by hand has the body as a whole. */
function hasLength(response: SealableResponse, args: readonly unknown[]): boolean {
  if (response.hasHeader?.('content-length') === true) return true
  const headers: unknown = typeof args[1] === 'object' ? args[1] : args[2]
  if (typeof headers !== 'object' || headers === null) return false
  // A record, tuples, or names and values in turn.
  const names: readonly unknown[] = Array.isArray(headers) ? headers.flat() : Object.keys(headers)
  return names.some((name) => typeof name === 'string' && name.toLowerCase() === 'content-length')
}

function quietly(write: () => void): void {
  try {
    write()
  } catch (error) {
    count('internalErrors', 'failed to tell a caller the totals of a part; its run is incomplete', error)
  }
}
