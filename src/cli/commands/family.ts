import type { FamilyFlag } from '../../query/run-reader.ts'
import { exitCodes, type Command } from '../command.ts'
import { readOptions } from '../common-options.ts'
import { renderFamily } from '../render-family.ts'
import { countOf } from '../values.ts'

/** A run with all that it belongs to. */
export const family: Command = {
  name: 'family',
  summary: 'shows a run with all that started it and all that it started, and what they cost together',
  positionals: ['<run>'],
  options: {
    ...readOptions,
    'max-runs': { type: 'string', value: '<count>', help: 'runs to read at most. Default: 1000' },
  },
  examples: [['runspan family 4bf92f3577b34da6a3ce929d0e0e4736', 'from any run of it']],
  async run({ positionals, text, has, print, printJson, color, width, io, open }) {
    const runId = positionals[0]!
    const maxRuns = countOf('max-runs', text('max-runs'))
    await using reader = await open()
    const found = await reader.family(runId, { maxRuns })
    if (found === undefined) {
      io.stderr.write(`runspan: there is no run ${runId} in ${reader.name}, or not yet.\n`)
      return exitCodes.notFound
    }
    if (has('json')) printJson('family', found)
    else {
      print(renderFamily(found, { color, width }))
      for (const flag of found.flags) if (notes[flag] !== undefined) print(notes[flag])
      for (const run of found.otherExecutions) print(`another execution of it: ${run.runId} (attempt ${run.attempt})`)
    }
    return exitCodes.done
  },
}

/** What the tree does not say by itself. */
const notes: Partial<Record<FamilyFlag, string>> = {
  cut: 'there are more runs: raise --max-runs',
  truncated: 'the store gave parts of some traces only',
  evicted: 'the store has dropped parts of it',
}
