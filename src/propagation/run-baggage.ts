import { ATTR_GEN_AI_CONVERSATION_ID, ATTR_USER_ID } from '../attributes.ts'

/** Ids of the application that may travel with a run, where it says so. Nothing else of ours is put into baggage. */
export type BaggageKey = typeof ATTR_GEN_AI_CONVERSATION_ID | typeof ATTR_USER_ID

/** The ids that a part knows, or that a carrier brought. */
export interface BaggageIds {
  readonly conversationId?: string | undefined
  readonly userId?: string | undefined
}

/** Longest value that travels or is taken in, in characters as they are on the wire. */
const maxValueLength = 512

/** Members of a W3C `baggage` header, for the keys that are allowed and known; `undefined` where there is none. */
export function formatBaggage(ids: BaggageIds, allowed: readonly BaggageKey[]): string | undefined {
  const members: string[] = []
  for (const key of allowed) {
    const value = idOf(ids, key)
    const encoded = value === undefined ? '' : encodeURIComponent(value)
    if (encoded !== '' && encoded.length <= maxValueLength) members.push(`${key}=${encoded}`)
  }
  return members.length === 0 ? undefined : members.join(',')
}

function idOf(ids: BaggageIds, key: unknown): string | undefined {
  if (key === ATTR_GEN_AI_CONVERSATION_ID) return ids.conversationId
  return key === ATTR_USER_ID ? ids.userId : undefined
}

/** The ids in a `baggage` header. What is not ours, or malformed, is passed over. */
export function parseBaggage(header: string | undefined): { conversationId?: string; userId?: string } {
  const ids: { conversationId?: string; userId?: string } = {}
  for (const member of header === undefined || header.length > 8192 ? [] : header.split(',')) {
    const [key, value] = keyAndValue(member)
    if (value === undefined) continue
    if (key === ATTR_GEN_AI_CONVERSATION_ID) ids.conversationId ??= value
    else if (key === ATTR_USER_ID) ids.userId ??= value
  }
  return ids
}

/** A header with these members at its end; those that they replace go, all others stay byte for byte. */
export function addedBaggage(header: string | undefined, members: string): string {
  const keys = new Set(members.split(',').map((member) => keyAndValue(member)[0]))
  const others = header?.split(',').filter((member) => member.trim() !== '' && !keys.has(keyAndValue(member)[0])) ?? []
  return [...others, members].join(',')
}

function keyAndValue(member: string): [string, string | undefined] {
  const [pair = ''] = member.split(';', 1)
  const at = pair.indexOf('=')
  const key = pair.slice(0, at).trim()
  const text = pair.slice(at + 1).trim()
  if (at === -1 || text === '' || text.length > maxValueLength) return [key, undefined]
  try {
    return [key, decodeURIComponent(text)]
  } catch {
    return [key, undefined]
  }
}
