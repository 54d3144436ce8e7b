import { count } from '../run/stats.ts'
import { injectRun } from './inject-run.ts'

/** Environment variables, as `process.env` has them. */
type Environment = Readonly<Record<string, string | undefined>>

/** The options as they were given, literals among them: `spawn` takes no `stdio` that is just any string. */
export type WithRunEnv<O extends object> = {
  -readonly [Key in Exclude<keyof O, 'env'>]: O[Key] extends readonly unknown[] ? [...O[Key]] : O[Key]
} & { env: Record<string, string | undefined> }

/** OpenTelemetry's names of the variables that carry a context (specification, "Environment Variables as Context"). */
const names = { traceparent: 'TRACEPARENT', tracestate: 'TRACESTATE' } as const

/**
 * Options for `spawn`, `fork`, `execFile` or `new Worker` with which the child carries the current run, in the variables
 * `TRACEPARENT` and `TRACESTATE`; there `joinRun(extractRun(process.env), work)` joins it.
 *
 * The child has the environment that it would have had, and these two. Outside a run it has none that this process
 * itself was started with: a service that was started by a run is not forever a part of it.
 *
 * @param options what the child is started with; `env` left out stands for `process.env`, as it does there
 *
 * @example
 * ```ts
 * import { spawn } from 'node:child_process'
 * import { withRunEnv } from 'runspan'
 *
 * const child = spawn('import-rows', ['rows.csv'], withRunEnv({ stdio: 'inherit' }))
 * child.on('exit', (code) => console.log(code))
 * ```
 */
export function withRunEnv<const O extends object>(options: O = {} as O): WithRunEnv<O> {
  const { env = globalThis.process?.env ?? {} } = options as { env?: Environment | symbol }
  if (typeof env === 'symbol') {
    count(
      'carriersNotWritten',
      'a worker with SHARE_ENV shares its variables with this process: no run was carried. Pass the ref in workerData.',
    )
    return options as WithRunEnv<O>
  }
  const carrier: Record<string, string | undefined> = {}
  const rest: Record<string, string | undefined> = {}
  for (const [name, value] of Object.entries(env)) {
    const field = name.toLowerCase()
    if (field === 'traceparent' || field === 'tracestate') carrier[field] = value
    else rest[name] = value
  }
  injectRun(carrier)
  for (const field of ['traceparent', 'tracestate'] as const) {
    if (carrier[field] !== undefined) rest[names[field]] = carrier[field]
  }
  return { ...options, env: rest } as WithRunEnv<O>
}
