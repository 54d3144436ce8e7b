/** One member of a `tracestate`: its key, and the whole member as it stood there. */
export interface TraceStateMember {
  readonly key: string
  readonly text: string
}

/** Most members of a list (W3C Trace Context §3.3.1.1). */
const maxMembers = 32
/** Longest list that is looked at, and sent: W3C asks for 512 characters at least, opentelemetry-js takes no more. */
export const maxTraceStateLength = 512
/** The first that go where a list is too long (W3C Trace Context §3.3.1.5). */
const longMemberLength = 128

const key = '(?:[a-z0-9][a-z0-9_\\-*/]{0,255}|[a-z0-9][a-z0-9_\\-*/]{0,240}@[a-z][a-z0-9_\\-*/]{0,13})'
const value = '[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]'
const memberPattern = new RegExp(`^(${key})=${value}$`)

/**
 * The members of a `tracestate`, in their order, or `undefined` where the list is malformed: a key or value that is
 * none, a key that comes twice, more than 32 members, more than 512 characters. A list that is malformed in one place
 * is thrown away whole, as W3C has it.
 */
export function parseTraceState(header: string): readonly TraceStateMember[] | undefined {
  if (header.length > maxTraceStateLength) return undefined
  const members: TraceStateMember[] = []
  const keys = new Set<string>()
  for (const part of header.split(',')) {
    const text = part.replace(/^[ \t]+|[ \t]+$/g, '')
    if (text === '') continue
    const match = memberPattern.exec(text)
    if (match === null || keys.has(match[1]!) || members.length === maxMembers) return undefined
    keys.add(match[1]!)
    members.push({ key: match[1]!, text })
  }
  return members
}

/** A list that fits the limits: first the long members go, then those that came first in time, on the right. */
export function formatTraceState(members: readonly TraceStateMember[]): string {
  const [first, ...others] = members.slice(0, maxMembers).map(({ text }) => text)
  const header = (): string => [first, ...others].join(',')
  for (const isDue of [(text: string) => text.length > longMemberLength, () => true]) {
    for (let at = others.length - 1; at >= 0; at--) {
      if (header().length <= maxTraceStateLength) return header()
      if (isDue(others[at]!)) others.splice(at, 1)
    }
  }
  return header()
}
