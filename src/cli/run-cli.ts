import { parseArgs } from 'node:util'

import { RunspanError } from '../errors.ts'
import { nearest } from '../internal/nearest.ts'
import { VERSION } from '../internal/version.ts'
import type { OtlpFileReader } from '../query/readers/otlp-file/otlp-file-reader.ts'
import { runJsonVersion, toRunJson } from '../query/run-json.ts'
import { UsageError, exitCodes, type CliIo, type Command, type ExitCode, type Invocation } from './command.ts'
import { commands } from './commands/all.ts'
import { outputOptions } from './common-options.ts'
import { helpOf, overview } from './help.ts'
import { plural } from './run-details.ts'

const defaultFrom = 'http://127.0.0.1:4318'
const narrowest = 60

/**
 * Runs one command line. Throws nothing: what goes wrong is said on standard error.
 *
 * @param args without the names of Node and the program
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<ExitCode> {
  try {
    const [name, ...rest] = args
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') return help(rest[0], io)
    if (name === '--version' || name === '-v') {
      io.stdout.write(`${VERSION}\n`)
      return exitCodes.done
    }
    const command = commandOf(name)
    const { values, positionals } = parsed(command, rest)
    if (values['help'] === true) {
      io.stdout.write(`${helpOf(command)}\n`)
      return exitCodes.done
    }
    checkPositionals(command, positionals)
    return await command.run(invocationOf(values, positionals, io))
  } catch (error) {
    return report(error, io)
  }
}

function help(name: string | undefined, io: CliIo): ExitCode {
  io.stdout.write(`${name === undefined ? overview(commands) : helpOf(commandOf(name))}\n`)
  return exitCodes.done
}

function commandOf(name: string): Command {
  const command = commands.find((one) => one.name === name)
  if (command !== undefined) return command
  const near = nearest(
    name,
    commands.map((one) => one.name),
  )
  const advice = near === undefined ? 'See runspan --help.' : `Did you mean ${near}?`
  throw new UsageError(`There is no command ${JSON.stringify(name)}. ${advice}`)
}

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

function parsed(command: Command, args: readonly string[]): { values: Values; positionals: string[] } {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, ...outputOptions }).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  )
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, allowNegative: true })
  } catch (error) {
    // Node names the option, and says what is wrong with it.
    const message = error instanceof Error ? error.message.split('. To specify', 1)[0]! : String(error)
    const [, unknown] = /^Unknown option '--([^']+)'/.exec(message) ?? []
    const near = unknown === undefined ? undefined : nearest(unknown, Object.keys(options))
    const advice = near === undefined ? '' : ` Did you mean --${near}?`
    throw new UsageError(`${message}.${advice} See runspan ${command.name} --help.`)
  }
}

function checkPositionals({ name, positionals }: Command, given: readonly string[]): void {
  const needed = positionals.filter((one) => !one.startsWith('['))
  const usage = `usage: ${['runspan', name, ...positionals, '[options]'].join(' ')}`
  if (given.length < needed.length) throw new UsageError(`${needed[given.length]!} is missing. ${usage}`)
  if (given.length > positionals.length) {
    throw new UsageError(`${JSON.stringify(given[positionals.length])} is too much. ${usage}`)
  }
}

function invocationOf(values: Values, positionals: readonly string[], io: CliIo): Invocation {
  const texts = (name: string): readonly string[] =>
    [values[name] ?? []].flat().filter((value) => typeof value === 'string')
  const text = (name: string): string | undefined => texts(name).at(-1)
  return {
    io,
    positionals,
    text,
    texts,
    has: (name) => values[name] === true,
    color: wantsColor(values['color'], io),
    width: Math.max(narrowest, io.stdout.columns ?? 100),
    async open() {
      // Loaded when something is read: the help is there at once.
      const { openReader } = await import('../query/readers/open-reader.ts')
      // An empty variable is one that was taken back.
      const from = text('from') ?? (io.env['RUNSPAN_FROM'] || defaultFrom)
      const reader = await openReader(from, { tenant: text('tenant'), headers: headersOf(texts('header')) })
      const { damagedLineCount = 0 } = reader as Partial<OtlpFileReader>
      if (damagedLineCount > 0) {
        io.stderr.write(
          `runspan: ${plural(damagedLineCount, 'line')} of ${from} could not be read as OTLP JSON; left out.\n`,
        )
      }
      return reader
    },
    print: (output) => void io.stdout.write(`${output}\n`),
    printJson: (kind, value) =>
      void io.stdout.write(`${JSON.stringify({ version: runJsonVersion, kind, value: toRunJson(value) })}\n`),
  }
}

/** What the user says; else what the environment says; else colours on a terminal. */
function wantsColor(wish: unknown, { stdout, env }: CliIo): boolean {
  if (typeof wish === 'boolean') return wish
  if ((env['NO_COLOR'] ?? '') !== '') return false
  if ((env['FORCE_COLOR'] ?? '') !== '') return env['FORCE_COLOR'] !== '0'
  return stdout.isTTY === true && env['TERM'] !== 'dumb'
}

function headersOf(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((header) => {
      const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(header) ?? []
      if (name === undefined || value === undefined) throw new UsageError('--header cannot be that. Use "name: value".')
      return [name, value]
    }),
  )
}

function report(error: unknown, { stderr }: CliIo): ExitCode {
  const message = error instanceof Error ? error.message : String(error)
  stderr.write(`runspan: ${message}\n`)
  if (error instanceof UsageError || (RunspanError.is(error) && error.code === 'bad_request')) return exitCodes.usage
  return exitCodes.unreadable
}
