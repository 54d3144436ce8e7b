import type { OptionSpec } from './command.ts'

/** Options of every command that reads. */
export const readOptions: Readonly<Record<string, OptionSpec>> = {
  from: {
    type: 'string',
    short: 'f',
    value: '<url or path>',
    help: 'Jaeger, Tempo, a runspan serve, a span store or a file of OTLP JSON; what it is is found out. Default: RUNSPAN_FROM, else http://127.0.0.1:4318',
  },
  tenant: { type: 'string', value: '<name>', help: 'sent as X-Scope-OrgID; what belongs to another is not found' },
  header: {
    type: 'string',
    value: '<name: value>',
    multiple: true,
    help: 'sent with each request; several times for several',
  },
  json: { type: 'boolean', help: 'one line of JSON; its form has a version' },
}

/** Options of every command. */
export const outputOptions: Readonly<Record<string, OptionSpec>> = {
  color: { type: 'boolean', help: 'colours, also where the output is no terminal; --no-color or NO_COLOR for none' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
}

/** Options of commands that have pages. */
export const pageOptions: Readonly<Record<string, OptionSpec>> = {
  limit: { type: 'string', short: 'n', value: '<count>', help: 'how many at most, up to 1000. Default: 20' },
  offset: { type: 'string', value: '<count>', help: 'how many to pass over' },
}
