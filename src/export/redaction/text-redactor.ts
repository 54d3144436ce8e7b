import { hideMembers } from './hide-members.ts'
import type { RedactionPattern } from './redaction-options.ts'

/** What to look for in texts. Plain data, which a worker thread can be given. */
export interface TextRules {
  /** Finds whether any of {@link known} may match; asked first, because nearly no text holds a secret. */
  readonly marks: RegExp | undefined
  /** The built-in patterns. */
  readonly known: readonly RedactionPattern[]
  /** The application's patterns. */
  readonly own: readonly RedactionPattern[]
  /** Finds members with secret names. */
  readonly members: RegExp | undefined
}

/** No known secret is shorter, and no name with a value. */
const shortestKnown = 8

/**
 * A text without its secrets.
 *
 * @returns the same text where there are none
 */
export function redactText(text: string, { marks, known, own, members }: TextRules): string {
  let result = text
  if (text.length >= shortestKnown) {
    if (members !== undefined) result = hideMembers(result, members)
    if (marks?.test(result) === true) result = replaced(result, known)
  }
  return own.length === 0 ? result : replaced(result, own)
}

function replaced(text: string, patterns: readonly RedactionPattern[]): string {
  let result = text
  // By a function: in a text as replacement, `$` would mean something.
  for (const { name, pattern } of patterns) result = result.replace(pattern, () => `[redacted:${name}]`)
  return result
}
