import { context, type Context } from '@opentelemetry/api'

import { followSettled } from './follow/follow.ts'
import { isThenable } from './follow/thenable.ts'
import { markStart } from './live-spans.ts'
import { openRun } from './open-run.ts'
import type { OwnedRun } from './owned-run.ts'
import type { Run, RunOptions, RunResult, RunSummary } from './types.ts'

/**
 * Runs an agent: one run, one trace, root span `invoke_agent {name}`.
 *
 * Called inside another run it opens a run of its own, linked to that one, never a nested span. The run ends when what
 * `fn` returns truly ends: for a stream or generator after its last chunk, long after `wrapAgent` has resolved.
 *
 * @param name the agent's name, of low cardinality
 * @param fn the agent. What it throws leaves as the same object
 * @returns the result, the run id, and a promise of the run's end. A stream has the same type as the one returned, not
 *   always the same object; a rebuilt `Response` keeps status, headers and body, and loses `url`, `type`, `redirected`
 *
 * @example
 * ```ts
 * import { wrapAgent } from 'runspan'
 *
 * const { result, runId } = await wrapAgent('planner', async (run) => `plan for ${run.input}`, { input: 'dinner' })
 * console.log(result, runId)
 * ```
 */
export function wrapAgent<T, I = unknown>(
  name: string,
  fn: (run: Run<I>) => T,
  options: RunOptions<I> = noOptions,
): Promise<RunResult<Awaited<T>>> {
  const run = openRun(name, options)
  markStart(run, options, false)
  let returned: T
  try {
    returned = context.with(run.context, fn, undefined, run)
  } catch (error) {
    run.failed(error)
    return Promise.reject(error)
  }
  if (!isThenable(returned)) return Promise.resolve(new Result(followSettled(returned, run) as Awaited<T>, run))
  return promiseOf(returned, run.context).then(
    (value) => new Result(followSettled(value as Awaited<T>, run), run),
    (error: unknown) => {
      run.failed(error)
      throw error
    },
  )
}

/**
 * A plain promise as it is. Every other thenable may start its work in `then` (query builders and some clients' promises
 * do), so that is called inside the run.
 */
function promiseOf(thenable: PromiseLike<unknown>, inside: Context): Promise<unknown> {
  if (thenable instanceof Promise && thenable.constructor === Promise) return thenable
  return new Promise((resolve, reject) => context.with(inside, () => void thenable.then(resolve, reject)))
}

/** One for all: a run keeps its options. */
const noOptions: RunOptions<never> = Object.freeze({})

/** The promise of the end is made when somebody asks for it: most callers do not. */
class Result<T> implements RunResult<T> {
  readonly result: T
  readonly runId: string
  readonly #run: Pick<OwnedRun, 'runId' | 'ended'>

  constructor(result: T, run: Pick<OwnedRun, 'runId' | 'ended'>) {
    this.result = result
    this.runId = run.runId
    this.#run = run
  }

  get ended(): Promise<RunSummary> {
    return this.#run.ended
  }
}
