import { checkOptions, type OptionNames } from '../../../check-options.ts'
import { RunspanError } from '../../../errors.ts'
import { systemClock, type Clock } from '../../../internal/clock.ts'
import { createRunReader } from '../../create-run-reader.ts'
import type { RunReader } from '../../run-reader.ts'
import { BackendClient } from '../http/backend-client.ts'
import { backendOptionNames, type BackendOptions } from '../http/backend-options.ts'
import { JaegerSource } from './jaeger-source.ts'

/** Options of {@link createJaegerReader}. */
export interface JaegerReaderOptions extends BackendOptions {
  /**
   * How many traces a search looks at, per service where Jaeger searches by service; lists say where there were more.
   * Jaeger's memory store refuses more than its `max_traces`. @defaultValue 1_000
   */
  readonly searchDepth?: number | undefined
  /** How far back a search goes where no time is given, in milliseconds. @defaultValue 10 years */
  readonly lookbackMillis?: number | undefined
}

const optionNames: OptionNames<JaegerReaderOptions> = { ...backendOptionNames, searchDepth: true, lookbackMillis: true }

/**
 * Reads runs from Jaeger over its HTTP query API: current versions, and 1.x and 2.0, which are told apart by what they
 * answer. Jaeger has no pages: lists and walks over spans fetch whole traces and cut them here.
 *
 * @param url base address of the query API, `http://localhost:16686`; credentials in it go out as basic authentication
 * @param clock what "now" is for searches and idle threads
 * @throws {@link RunspanError} `bad_configuration` where the address or an option cannot work
 *
 * @example
 * ```ts
 * import { createJaegerReader } from 'runspan/readers'
 *
 * await using reader = createJaegerReader('http://localhost:16686')
 * const family = await reader.family('4bf92f3577b34da6a3ce929d0e0e4736')
 * console.log(family?.totals.costNanoUsd, family?.flags)
 * ```
 */
export function createJaegerReader(
  url: string | URL,
  options: JaegerReaderOptions = {},
  clock: Clock = systemClock,
): RunReader {
  checkOptions('createJaegerReader', options, optionNames)
  const { searchDepth = 1_000, lookbackMillis = 10 * 365 * 86_400_000, ...backend } = options
  for (const [name, value] of [
    ['searchDepth', searchDepth],
    ['lookbackMillis', lookbackMillis],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RunspanError(
        'bad_configuration',
        `Failed to read from Jaeger: ${name} cannot be ${String(value)}. Use 1 or more.`,
      )
    }
  }
  const client = new BackendClient('Jaeger', url, backend)
  return createRunReader(new JaegerSource(client, searchDepth, lookbackMillis, clock), clock)
}
