import type { ParseArgsOptionDescriptor } from 'node:util'

import type { RunReader } from '../query/run-reader.ts'

/** Where a command writes, and what it may know of the process: the process itself, or a test. */
export interface CliIo {
  readonly stdout: {
    write(text: string): unknown
    readonly isTTY?: boolean | undefined
    readonly columns?: number | undefined
  }
  readonly stderr: { write(text: string): unknown }
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted when the user wants it to stop. */
  readonly signal: AbortSignal
  nowUnixMillis(): number
  /** Waits; returns at once when the signal is aborted. */
  delay(millis: number): Promise<void>
}

/** How a command went: 0 done, 1 not found or found wanting, 2 wrong usage, 3 nothing could be read. */
export const exitCodes = { done: 0, notFound: 1, usage: 2, unreadable: 3 } as const
/** One of {@link exitCodes}. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** An option of a command. */
export interface OptionSpec extends Omit<ParseArgsOptionDescriptor, 'default'> {
  readonly type: 'string' | 'boolean'
  /** What stands for its value in the help: `<url>`. */
  readonly value?: string
  readonly help: string
}

/** A command of the command line: what help, completion and parsing know of it. */
export interface Command {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What may stand behind the name: `<run>`; in brackets where it may be left out. */
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, OptionSpec>>
  /** Lines that can be typed, each with what it is for. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** More to know, in paragraphs. */
  readonly notes?: readonly string[]
  run(invocation: Invocation): Promise<ExitCode>
}

/** A command as it was typed. */
export interface Invocation {
  readonly io: CliIo
  readonly positionals: readonly string[]
  /** The value of an option that takes one. */
  readonly text: (name: string) => string | undefined
  /** All values of an option that may be given several times. */
  readonly texts: (name: string) => readonly string[]
  /** Whether an option was given. */
  readonly has: (name: string) => boolean
  readonly color: boolean
  readonly width: number
  /** Opens what `--from` names. The caller closes it. */
  readonly open: () => Promise<RunReader>
  /** Writes what people read. */
  readonly print: (text: string) => void
  /** Writes what programs read: one line of JSON with the version of its form. */
  readonly printJson: (kind: string, value: unknown) => void
}

/** Wrong usage: said with a hint to the help, and ends with 2. */
export class UsageError extends Error {}
