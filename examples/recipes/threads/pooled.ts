/**
 * A thread for many tasks: it joins the run that each message carries.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads'

import { extractRun, injectTotals, joinRun } from 'runspan'

import { askModel } from '../model.ts'

interface Task {
  readonly text: string | undefined
  readonly traceparent?: string
  readonly tracestate?: string
}

async function work(task: Task): Promise<void> {
  const run = extractRun({ ...task })
  const summarise = async () => injectTotals({ text: (await askModel(`Summarise: ${task.text}`)).text })
  const reply = await joinRun(run, summarise, { name: 'summarise in a thread' })
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(reply)
}

parentPort?.on('message', (task: Task) => {
  if (task.text === undefined) parentPort?.close()
  else void work(task)
})
