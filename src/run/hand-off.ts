import { isSpanContextValid, isValidSpanId, type Attributes, type Link } from '@opentelemetry/api'

import { ATTR_RUNSPAN_RUN_ID } from '../attributes.ts'
import type { Subtotal } from './run-tally.ts'

/** What the ender of a run has to know to write the root that the opener began. */
export interface RootDescription {
  readonly agentName: string
  /** The root's own id, where it has one. */
  readonly spanId: string | undefined
  readonly isSampled: boolean
  /** Nanoseconds since the epoch, decimal. */
  readonly startUnixNano: string
  readonly parentRunId: string | undefined
  readonly rootRunId: string | undefined
  readonly conversationId: string | undefined
  readonly userId: string | undefined
  readonly attributes: Attributes
  readonly links: readonly Link[]
  readonly subtotal: Subtotal | undefined
}

/** Longest attribute value that travels, in UTF-16 code units: a ref goes through queues with limits of their own. */
const maxValueLength = 4096
const format = 1

/**
 * A description as one opaque string. Attribute values above 4 KiB stay behind, so that a ref fits where queues carry
 * it; numbers, strings and booleans only, as the SDK kept them.
 */
export function encodeHandOff(description: RootDescription): string {
  const attributes: Attributes = {}
  for (const [key, value] of Object.entries(description.attributes)) {
    if (key !== ATTR_RUNSPAN_RUN_ID && JSON.stringify(value).length <= maxValueLength) attributes[key] = value
  }
  const links = description.links.map((link) => ({
    t: link.context.traceId,
    s: link.context.spanId,
    f: link.context.traceFlags,
    a: link.attributes,
  }))
  const json = JSON.stringify({ ...description, attributes, links, v: format })
  return bytesToBase64(new TextEncoder().encode(json))
}

/** The description, or `undefined` where the string is not one of ours. */
export function decodeHandOff(text: string): RootDescription | undefined {
  try {
    const parsed = JSON.parse(new TextDecoder().decode(base64ToBytes(text))) as Omit<RootDescription, 'links'> & {
      v?: unknown
      links: readonly { t: string; s: string; f: number; a?: Attributes }[]
    }
    const { v, agentName, startUnixNano, spanId } = parsed
    if (v !== format || typeof agentName !== 'string' || !/^\d{1,20}$/.test(startUnixNano)) return undefined
    if (spanId !== undefined && !isValidSpanId(spanId)) return undefined
    // One malformed link can cost the whole batch it is exported in.
    const links = parsed.links
      .map(({ t, s, f, a }) => ({
        context: { traceId: t, spanId: s, traceFlags: f, isRemote: true },
        ...(a === undefined ? {} : { attributes: a }),
      }))
      .filter((link) => isSpanContextValid(link.context))
    return { ...parsed, links }
  } catch {
    return undefined
  }
}

function bytesToBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function base64ToBytes(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
