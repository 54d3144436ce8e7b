import type { Redact } from '../../run/settings.ts'
import { count } from '../../run/stats.ts'
import { hidden, memberPattern } from './hide-members.ts'
import { isContent, isIdentifier, secretNameTest } from './key-rules.ts'
import { checkRedaction, type RedactionOptions, type RedactionPattern } from './redaction-options.ts'
import { emailMark, emailPattern, secretMarks, secretNames, secretPatterns } from './secret-patterns.ts'
import { redactText, type TextRules } from './text-redactor.ts'

/** What stands in place of a text whose redaction failed. */
export const redactionFailed = '[redaction failed]'

/** What becomes of the values under a key. */
export type KeyVerdict = 'pass' | 'check' | 'hide' | 'leave_out'

/** Levels of lists and maps that are looked into; what is deeper does not leave. */
const maxDepth = 24

/**
 * The one point that everything on its way to a destination passes: names, texts and values, whoever recorded them.
 * Nothing that is passed in is changed, and a rule that fails lets nothing through.
 */
export class Redaction {
  /** The part that works on texts alone; plain data, for worker threads. */
  readonly rules: TextRules
  /** Whether the application has the last word on texts; that function cannot go to a worker thread. */
  readonly hasFunction: boolean
  readonly #isSecretName: (name: string) => boolean
  readonly #allowsContent: boolean
  readonly #redact: Redact | undefined

  /** @throws {@link RunspanError} `bad_configuration` where an option cannot work */
  constructor(options: RedactionOptions = {}) {
    checkRedaction(options)
    const { keys = [], patterns = [], builtIn = true, emails = false, content = 'all', redact } = options
    const names = builtIn ? secretNames : []
    this.#isSecretName = secretNameTest(keys, names)
    this.#allowsContent = content === 'all'
    this.#redact = redact
    this.hasFunction = redact !== undefined
    const marks = [...(builtIn ? secretMarks : []), ...(emails ? [emailMark] : [])]
    const exactKeys = keys.filter((key) => typeof key === 'string')
    this.rules = {
      marks: marks.length === 0 ? undefined : new RegExp(marks.join('|')),
      known: [...(builtIn ? secretPatterns : []), ...(emails ? [emailPattern] : [])].map(asGlobal),
      own: patterns.map(asGlobal),
      members: memberPattern([...names, ...exactKeys.map(escaped)]),
    }
  }

  /** What becomes of an attribute. */
  verdictOn(key: string): KeyVerdict {
    if (isIdentifier(key)) return 'pass'
    if (!this.#allowsContent && isContent(key)) return 'leave_out'
    return this.#isSecretName(key) ? 'hide' : 'check'
  }

  /** A text without secrets: the same text where there are none. */
  text(text: string, key: string): string {
    return this.byFunction(this.byRules(text, key), key)
  }

  /** {@link text} without the application's function. */
  byRules(text: string, key: string): string {
    try {
      return redactText(text, this.rules)
    } catch (error) {
      count('redactionErrors', `a redaction pattern failed for ${key}; a marker left in place of the value.`, error)
      return redactionFailed
    }
  }

  /** What the application's function makes of a text. */
  byFunction(text: string, key: string): string {
    if (this.#redact === undefined) return text
    try {
      const result: unknown = this.#redact(text, { key })
      if (typeof result === 'string') return result
      count('redactionErrors', `redact returned ${typeof result} for ${key}; a marker left instead. Return a string.`)
    } catch (error) {
      count('redactionErrors', `redact threw for ${key}; a marker left in place of the value.`, error)
    }
    return redactionFailed
  }

  /** A list, a map or bytes without secrets: the same object where there are none. */
  value(value: object, key: string): unknown {
    try {
      return this.#cleaned(value, key, 0)
    } catch (error) {
      count('redactionErrors', `the value of ${key} could not be read; a marker left in its place.`, error)
      return redactionFailed
    }
  }

  #cleaned(value: unknown, key: string, depth: number): unknown {
    if (typeof value === 'string') return this.text(value, key)
    if (typeof value !== 'object' || value === null) return value
    if (depth >= maxDepth) return hidden
    if (value instanceof Uint8Array) {
      const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1')
      return this.text(text, key) === text ? value : hidden
    }
    return Array.isArray(value)
      ? this.#cleanedList(value, key, depth)
      : this.#cleanedMap(value as Readonly<Record<string, unknown>>, key, depth)
  }

  #cleanedList(list: readonly unknown[], key: string, depth: number): readonly unknown[] {
    let copy: unknown[] | undefined
    for (let index = 0; index < list.length; index++) {
      const part = this.#cleaned(list[index], key, depth + 1)
      if (part !== list[index] && copy === undefined) copy = [...list]
      if (copy !== undefined) copy[index] = part
    }
    return copy ?? list
  }

  #cleanedMap(map: Readonly<Record<string, unknown>>, key: string, depth: number): Readonly<Record<string, unknown>> {
    const entries = Object.entries(map)
    let isChanged = false
    for (const entry of entries) {
      const [name, part] = entry
      entry[0] = this.byRules(name, key)
      entry[1] = this.#isSecretName(name) ? hidden : this.#cleaned(part, key, depth + 1)
      isChanged ||= entry[0] !== name || entry[1] !== part
    }
    return isChanged ? Object.fromEntries(entries) : map
  }
}

function asGlobal({ name, pattern }: RedactionPattern): RedactionPattern {
  return { name, pattern: new RegExp(pattern.source, `${pattern.flags.replaceAll(/[gy]/g, '')}g`) }
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
