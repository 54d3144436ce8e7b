import { expect, it } from 'vitest'

import { expectTrace } from '../support/trace-text.ts'
import { startBench } from './bench.ts'
import { answerTokens } from './model.ts'

it('carries a run into a child process by its environment', async () => {
  await using bench = await startBench({ OTEL_SERVICE_NAME: 'rows' })
  const { store, programs, model } = bench
  const planner = programs.node('child-process/planner.ts')
  const runId = await planner.line()
  await planner.done
  expectTrace(store.text(runId)).toBe(`
    rows: invoke_agent planner
      rows: execute_tool import rows
        rows: import rows
          rows: chat small-model
  `)
  expect(store.run(runId).totals).toMatchObject({ llmCalls: 1, ...answerTokens })

  // The control: started by nobody's run, the same program is in none.
  const importer = programs.node('child-process/importer.ts')
  await importer.done
  expect(model.questions).toHaveLength(2)
  expect(store.runs.filter((run) => run.root !== undefined).map((run) => run.runId)).toEqual([runId])
})

it('carries a run into threads, by their environment and by messages', async () => {
  await using bench = await startBench({ OTEL_SERVICE_NAME: 'threads' })
  const { store, programs } = bench
  const planner = programs.node('threads/planner.ts')
  const runId = await planner.line()
  await planner.done
  expectTrace(store.text(runId)).toBe(`
    threads: invoke_agent planner
      threads: execute_tool import rows
        threads: import in a thread
          threads: chat small-model
      threads: execute_tool summarise
        threads: summarise in a thread
          threads: chat small-model
  `)
  const run = store.run(runId)
  expect(run.totals).toMatchObject({ llmCalls: 2, inputTokens: 2 * answerTokens.inputTokens })
  // The thread that answers told what its part came to; the one that got the run in its environment has no way to.
  expect(run.root?.attributes).toMatchObject({
    'runspan.rollup.remote_segments': 1,
    'runspan.rollup.incomplete_reasons': ['shared'],
  })
})
