import { exitCodes, type Command, type OptionSpec } from './command.ts'
import { outputOptions } from './common-options.ts'

const width = 100

/** What `runspan --help` says. */
export function overview(commands: readonly Command[]): string {
  const names = commands.map(({ name, positionals }) => [name, ...positionals].join(' '))
  const column = Math.max(...names.map((name) => name.length)) + 2
  return [
    'runspan: agent runs, read back from wherever their traces were sent',
    '',
    'usage: runspan <command> [options]',
    '',
    ...commands.flatMap(({ summary }, at) => wrapped(names[at]!, summary, column)),
    '',
    'Start here, without a backend:',
    '',
    '  npx runspan serve                                         # keeps traces in ./runspan.db',
    '  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 node agent.js',
    '  npx runspan list',
    '  npx runspan family <run>',
    '',
    'Or read what a backend has: runspan list --from http://localhost:16686',
    '',
    'runspan <command> --help says more of each. runspan --version prints the version.',
    `Exit codes: ${exitCodes.done} done, ${exitCodes.notFound} not found or found wanting, ${exitCodes.usage} wrong usage, ${exitCodes.unreadable} nothing could be read.`,
  ].join('\n')
}

/** What `runspan <command> --help` says. */
export function helpOf(command: Command): string {
  const { name, summary, positionals, options, examples, notes = [] } = command
  const all = Object.entries({ ...options, ...outputOptions })
  const heads = all.map(([option, spec]) => headOf(option, spec))
  const column = Math.min(34, Math.max(...heads.map((head) => head.length)) + 2)
  return [
    `runspan ${name}: ${summary}`,
    '',
    `usage: ${['runspan', name, ...positionals, '[options]'].join(' ')}`,
    '',
    ...all.flatMap(([, spec], at) => wrapped(heads[at]!, spec.help, column)),
    ...notes.flatMap((note) => ['', ...wrapped('', note, 0)]),
    ...(examples.length === 0 ? [] : ['', 'examples:']),
    ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`]),
  ].join('\n')
}

function headOf(option: string, { short, value }: OptionSpec): string {
  const flags = short === undefined ? `    --${option}` : `-${short}, --${option}`
  return value === undefined ? flags : `${flags} ${value}`
}

/** A head, and a text beside it; below it where the head is too long. */
function wrapped(head: string, text: string, column: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width - column - 2) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  const isBeside = head.length < column
  const first = isBeside ? `  ${head.padEnd(column)}${lines[0]!}` : undefined
  const rest = isBeside ? lines.slice(1) : lines
  if (head === '') return lines.map((one) => `  ${one}`)
  return [first ?? `  ${head}`, ...rest.map((one) => `  ${' '.repeat(column)}${one}`)]
}
