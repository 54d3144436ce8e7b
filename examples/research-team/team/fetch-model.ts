import { currentRunId } from 'runspan'

import { fetchWith } from './fetch-with.ts'

/**
 * `fetch` that tells the model server which run a call is for, so that its books can be compared with the run.
 *
 * It gets an id and no trace context: a model server is no part of the run.
 */
export const fetchModel: typeof fetch = (input, init) => {
  const runId = currentRunId()
  return fetchWith(runId === undefined ? {} : { 'x-run-id': runId }, input, init)
}
