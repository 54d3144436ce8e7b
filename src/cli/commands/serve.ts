import { exitCodes, type Command } from '../command.ts'
import { bytesOf, countOf, durationOf } from '../values.ts'

/** A collector, a store and a read API, until the user stops it. */
export const serve: Command = {
  name: 'serve',
  summary: 'takes traces over OTLP/HTTP, keeps them in a file, and lets them be read; no backend needed',
  positionals: ['[file]'],
  options: {
    port: { type: 'string', short: 'p', value: '<port>', help: 'to listen on; 0 for any free one. Default: 4318' },
    host: { type: 'string', value: '<host>', help: 'to listen on. Nothing asks for a password. Default: 127.0.0.1' },
    'max-age': { type: 'string', value: '<time>', help: 'how long a trace is kept after its last span. Default: 7d' },
    'max-size': {
      type: 'string',
      value: '<size>',
      help: 'how large the file may be; the oldest traces go. Default: 1GiB',
    },
  },
  notes: [
    'The file is a SQLite database, ./runspan.db unless another is named. Other processes may read it at the same time: runspan list --from runspan.db.',
  ],
  examples: [
    ['runspan serve', 'then run agents with OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318'],
    ['runspan serve /var/lib/runs.db --max-age 30d --max-size 20GiB', 'keep more'],
    ['runspan serve :memory: --port 0', 'keep nothing after the end'],
  ],
  async run({ io, positionals, text, print }) {
    const path = positionals[0] ?? 'runspan.db'
    const maxAge = text('max-age')
    const { serve: start } = await import('../../viewer/serve/serve.ts')
    await using server = await start({
      path,
      port: countOf('port', text('port')),
      host: text('host'),
      maxAgeMillis: maxAge === undefined ? undefined : durationOf('max-age', maxAge),
      maxBytes: bytesOf('max-size', text('max-size')),
    })
    print(`OTEL_EXPORTER_OTLP_ENDPOINT=${server.url}`)
    print(`traces are kept in ${path}; read them with: runspan list --from ${server.url}`)
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve()
      io.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    return exitCodes.done
  },
}
