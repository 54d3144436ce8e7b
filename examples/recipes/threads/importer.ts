/**
 * A thread for one task: it joins the run that it was started in.
 *
 * @module
 */
import { workerData } from 'node:worker_threads'

import { extractRun, joinRun } from 'runspan'

import { askModel } from '../model.ts'

await joinRun(extractRun(process.env), () => askModel(`Name the columns of ${String(workerData)}`), {
  name: 'import in a thread',
})
