import { exitCodes, type Command } from '../command.ts'
import { readOptions } from '../common-options.ts'
import { renderRunPage } from '../render-run-page.ts'
import { countOf } from '../values.ts'

/** One run: what it was, what it cost, its links, and its spans in time. */
export const show: Command = {
  name: 'show',
  summary: 'shows one run: totals, links, and its spans as a waterfall',
  positionals: ['<run>'],
  options: {
    ...readOptions,
    'max-spans': { type: 'string', value: '<count>', help: 'spans to draw at most. Default: 200' },
  },
  examples: [
    ['runspan show 4bf92f3577b34da6a3ce929d0e0e4736', 'by its run id, which is its trace id'],
    ['runspan show 4bf92f35-77b3-4da6-a3ce-929d0e0e4736 --json', 'all of it, for a program'],
  ],
  async run({ positionals, text, has, print, printJson, color, width, io, open }) {
    const runId = positionals[0]!
    const maxSpans = countOf('max-spans', text('max-spans')) ?? 200
    await using reader = await open()
    const run = await reader.getRun(runId)
    if (run === undefined) {
      io.stderr.write(`runspan: there is no run ${runId} in ${reader.name}, or not yet.\n`)
      return exitCodes.notFound
    }
    if (has('json')) {
      printJson('run', run)
      return exitCodes.done
    }
    const [parent, children, reviews] = await Promise.all([
      reader.parent(run.runId),
      reader.children(run.runId, { limit: 20 }),
      reader.reviews(run.runId),
    ])
    print(renderRunPage({ run, parent, children, reviews }, { color, width, maxSpans }))
    return exitCodes.done
  },
}
