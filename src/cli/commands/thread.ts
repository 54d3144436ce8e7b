import { exitCodes, type Command } from '../command.ts'
import { pageOptions, readOptions } from '../common-options.ts'
import { pageNotes, renderRuns } from '../list-runs.ts'
import { renderThreads } from '../list-threads.ts'
import { durationOf } from '../values.ts'
import { pageOf } from './list.ts'

/** Threads, or the runs of one. */
export const thread: Command = {
  name: 'thread',
  summary: 'lists threads, the one that was active last first; or the runs of one',
  positionals: ['[conversation]'],
  options: {
    ...readOptions,
    agent: { type: 'string', short: 'a', value: '<name>', help: 'of this agent' },
    user: { type: 'string', short: 'u', value: '<id>', help: 'of this user' },
    idle: { type: 'string', value: '<time>', help: 'in which nothing has ended for longer than this: 24h' },
    ...pageOptions,
  },
  examples: [
    ['runspan thread --idle 24h --agent helper', 'who waits for a follow-up'],
    ['runspan thread c-42', 'the runs of one conversation'],
  ],
  async run(invocation) {
    const { positionals, text, has, print, printJson, color, width, io } = invocation
    const [conversationId] = positionals
    const request = pageOf(invocation)
    const idle = text('idle')
    const idleLongerThanMillis = idle === undefined ? undefined : durationOf('idle', idle)
    await using reader = await invocation.open()
    if (conversationId === undefined) {
      const page = await reader.listThreads(
        { agent: text('agent'), userId: text('user'), idleLongerThanMillis },
        request,
      )
      if (has('json')) printJson('threads', page)
      else {
        print(page.items.length === 0 ? 'no threads' : renderThreads(page.items, { color, width }))
        for (const note of pageNotes(page, 'threads')) print(note)
      }
      return exitCodes.done
    }
    const page = await reader.listRuns({ conversationId, agent: text('agent') }, request)
    if (page.items.length === 0) {
      io.stderr.write(`runspan: there is no thread ${conversationId} in ${reader.name}, or not yet.\n`)
      return exitCodes.notFound
    }
    if (has('json')) printJson('runs', page)
    else {
      print(renderRuns(page.items.toReversed(), { color, width }))
      for (const note of pageNotes(page, 'runs')) print(note)
    }
    return exitCodes.done
  },
}
