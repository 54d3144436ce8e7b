/**
 * A planner starts a program that does a part of its run.
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { tool, withRunEnv, wrapAgent } from 'runspan'

const importer = new URL('importer.ts', import.meta.url).pathname
const importRows = tool('import rows', (file: string) =>
  // Beside TRACEPARENT and TRACESTATE the child has this process's environment.
  promisify(execFile)(process.execPath, ['--import', 'runspan/register', importer, file], withRunEnv()),
)

const { runId } = await wrapAgent('planner', () => importRows('rows.csv'))
console.log(runId)
