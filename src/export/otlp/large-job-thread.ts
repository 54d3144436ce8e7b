/**
 * A worker thread that redacts and shortens what is large. In: numbered jobs. Out: that it is ready, then results.
 * Started by `large-jobs.ts`.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads'

import { doLargeJob, type LargeJob, type LargeJobResult, type ThreadMessage } from './large-job.ts'

parentPort?.on('message', ({ id, job }: { readonly id: number; readonly job: LargeJob }) => {
  let result: LargeJobResult | undefined
  try {
    result = doLargeJob(job)
  } catch {
    // The other side knows what to do without.
  }
  post({ id, result })
})
post('ready')

function post(message: ThreadMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message)
}
