import { checkOptions, type OptionNames } from '../../check-options.ts'
import { RunspanError } from '../../errors.ts'
import type { Redact } from '../../run/settings.ts'

/** A kind of secret, recognised by how it looks. */
export interface RedactionPattern {
  /** What it is, for the marker that takes its place: `[redacted:name]`. */
  readonly name: string
  /** What to replace, wherever it stands in a text. All its matches are replaced, whatever its flags. */
  readonly pattern: RegExp
}

/** What may leave for one destination. Every option narrows; nothing that was not recorded comes back. */
export interface RedactionOptions {
  /**
   * Names whose values do not leave: attribute keys, members of maps, and members of JSON inside texts. A text is
   * compared with the whole name and with its last part (`password` is also `db.password`), in any case; a regular
   * expression is compared with attribute keys and members of maps only.
   *
   * @defaultValue none beside the built-in names
   */
  readonly keys?: readonly (string | RegExp)[] | undefined
  /** Kinds of secrets beside the built-in ones. @defaultValue none */
  readonly patterns?: readonly RedactionPattern[] | undefined
  /** Whether the built-in names and patterns apply: passwords, tokens, API keys. @defaultValue true */
  readonly builtIn?: boolean | undefined
  /** Whether e-mail addresses are replaced too. @defaultValue false */
  readonly emails?: boolean | undefined
  /**
   * Whether what models and tools were given and answered may leave. `off` leaves out messages, prompts, arguments,
   * results, inputs, outputs, goals and metadata, by their keys, of every library that is known.
   *
   * @defaultValue 'all': what was recorded
   */
  readonly content?: 'all' | 'off' | undefined
  /**
   * Has the last word on every text that is no id, after names and patterns. It sees the same text again and again and
   * must say the same each time. Where it throws, a marker leaves in place of the text.
   */
  readonly redact?: Redact | undefined
}

const names: OptionNames<RedactionOptions> = {
  keys: true,
  patterns: true,
  builtIn: true,
  emails: true,
  content: true,
  redact: true,
}

/**
 * Checks options.
 *
 * @throws {@link RunspanError} `bad_configuration` where a value cannot work, or there is no such option
 */
export function checkRedaction(options: RedactionOptions): void {
  checkOptions('redaction', options, names)
  const { keys = [], patterns = [], content = 'all', redact, builtIn = true, emails = false } = options
  for (const key of keys) {
    if (!(key instanceof RegExp) && (typeof key !== 'string' || key === '')) {
      throw bad('keys', key, 'Use attribute keys or regular expressions.')
    }
  }
  for (const entry of patterns) {
    if (typeof entry?.name !== 'string' || !(entry.pattern instanceof RegExp)) {
      throw bad('patterns', entry, 'Use objects with a name and a pattern, which is a regular expression.')
    }
    if (new RegExp(entry.pattern.source, entry.pattern.flags.replaceAll(/[gy]/g, '')).test('')) {
      throw bad('patterns', entry.pattern, 'It matches the empty text. Make it match at least one character.')
    }
  }
  if (content !== 'all' && content !== 'off') throw bad('content', content, "Use 'all' or 'off'.")
  if (redact !== undefined && typeof redact !== 'function') {
    throw bad('redact', redact, 'Pass a function of (text, site).')
  }
  if (typeof builtIn !== 'boolean') throw bad('builtIn', builtIn, 'Use true or false.')
  if (typeof emails !== 'boolean') throw bad('emails', emails, 'Use true or false.')
}

function bad(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure redaction.${name}: ${String(value)} cannot be used. ${advice}`,
  )
}
