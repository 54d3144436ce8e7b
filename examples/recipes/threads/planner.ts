/**
 * A planner has threads do parts of its run: one that is started for the task, and one that takes any number of tasks.
 *
 * @module
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

import { injectRun, takeTotals, tool, withRunEnv, wrapAgent } from 'runspan'

const pooled = new Worker(new URL('pooled.ts', import.meta.url))

/** The thread lives as long as the task, and has the run in its environment. */
const importRows = tool('import rows', (file: string) =>
  once(new Worker(new URL('importer.ts', import.meta.url), withRunEnv({ workerData: file })), 'exit'),
)
/** The thread lives longer than any run, so that each message carries its own. */
const summarise = tool('summarise', async (text: string) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  pooled.postMessage(injectRun({ text }, { expectReply: true }))
  const [reply] = (await once(pooled, 'message')) as [{ readonly text: string }]
  return takeTotals(reply).text
})

const { runId } = await wrapAgent('planner', async () => {
  await importRows('rows.csv')
  await summarise('Tides come and go.')
})
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
pooled.postMessage({ text: undefined })
await once(pooled, 'exit')
console.log(runId)
