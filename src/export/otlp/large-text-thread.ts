/**
 * A worker thread that redacts and shortens large texts. In: numbered jobs. Out: that it is ready, then results.
 * Started by `large-texts.ts`.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads'

import { doLargeTextJob, type LargeTextJob, type LargeTextResult, type ThreadMessage } from './large-text-job.ts'

parentPort?.on('message', ({ id, job }: { readonly id: number; readonly job: LargeTextJob }) => {
  let result: LargeTextResult | undefined
  try {
    result = doLargeTextJob(job)
  } catch {
    // The other side lets nothing of the text leave.
  }
  post({ id, result })
})
post('ready')

function post(message: ThreadMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message)
}
