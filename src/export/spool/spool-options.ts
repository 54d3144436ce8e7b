import { checkOptions, type OptionNames } from '../../check-options.ts'
import { RunspanError } from '../../errors.ts'
import { textOf } from '../../internal/text-of.ts'

/** A directory in which spans wait that cannot be delivered now. */
export interface SpoolOptions {
  /** Made where it is not there. Processes of one service may share it; each file belongs to one of them at a time. */
  readonly directory: string
  /**
   * - `overflow`: what does not fit into memory, and what a shutdown could not deliver.
   * - `always`: each request before it is sent, so that a process that is killed loses only what was not sent yet.
   *
   * @defaultValue 'overflow'
   */
  readonly mode?: 'overflow' | 'always' | undefined
  /**
   * When the disk itself has a write. This is about power loss alone: what was written survives the process, however
   * it ends.
   *
   * - `always`: before the write counts, which takes about a millisecond of the event loop each time.
   * - `interval`: within a second.
   * - `none`: when the system sees fit.
   *
   * @defaultValue 'interval'
   */
  readonly sync?: 'always' | 'interval' | 'none' | undefined
  /** How many bytes of this process each destination may have there; the oldest go first. @defaultValue 268_435_456 (256 MiB) */
  readonly maxBytes?: number | undefined
  /** How long a file may wait, in milliseconds. @defaultValue 86_400_000 (a day) */
  readonly maxAgeMillis?: number | undefined
  /**
   * After how many milliseconds without a sign of life the files of another process are taken over; at least 1000. Too
   * short a time doubles spans and loses none. @defaultValue 30_000
   */
  readonly leaseMillis?: number | undefined
}

/** Options with every default filled in. */
export type SpoolSettings = { readonly [Name in keyof SpoolOptions]-?: NonNullable<SpoolOptions[Name]> }

const names: OptionNames<SpoolOptions> = {
  directory: true,
  mode: true,
  sync: true,
  maxBytes: true,
  maxAgeMillis: true,
  leaseMillis: true,
}

/** @throws {@link RunspanError} `bad_configuration` where something cannot work */
export function spoolSettings(options: SpoolOptions): SpoolSettings {
  checkOptions('spool', options, names)
  const { directory, mode = 'overflow', sync = 'interval' } = options
  if (typeof directory !== 'string' || directory === '') throw bad('directory', directory, 'Pass a path.')
  if (!['overflow', 'always'].includes(mode)) throw bad('mode', mode, "Use 'overflow' or 'always'.")
  if (!['always', 'interval', 'none'].includes(sync)) throw bad('sync', sync, "Use 'always', 'interval' or 'none'.")
  return {
    directory,
    mode,
    sync,
    maxBytes: checked('maxBytes', options.maxBytes, 1024 * 1024) ?? 256 * 1024 * 1024,
    maxAgeMillis: checked('maxAgeMillis', options.maxAgeMillis, 1) ?? 86_400_000,
    leaseMillis: checked('leaseMillis', options.leaseMillis, 1000) ?? 30_000,
  }
}

function checked(name: string, value: number | undefined, least: number): number | undefined {
  if (value === undefined || (Number.isFinite(value) && value >= least)) return value
  throw bad(name, value, `Pass a number, at least ${least}.`)
}

function bad(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure spool.${name}: ${textOf(value)} cannot be used. ${advice}`,
  )
}
