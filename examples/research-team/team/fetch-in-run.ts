import { propagationHeaders } from 'runspan'

import { fetchWith } from './fetch-with.ts'

/**
 * `fetch` that puts the other side into the run, where no instrumentation does. Only for services that are to join it:
 * from here on the run counts on parts elsewhere.
 */
export const fetchInRun: typeof fetch = (input, init) => fetchWith(propagationHeaders(), input, init)
