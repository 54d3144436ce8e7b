import { checkOptions, type OptionNames } from '../../../check-options.ts'
import { RunspanError } from '../../../errors.ts'
import { systemClock, type Clock } from '../../../internal/clock.ts'
import { createRunReader } from '../../create-run-reader.ts'
import type { RunReader } from '../../run-reader.ts'
import { BackendClient } from '../http/backend-client.ts'
import { backendOptionNames, type BackendOptions } from '../http/backend-options.ts'
import { TempoSource } from './tempo-source.ts'

const weekMillis = 7 * 86_400_000

/** Options of {@link createTempoReader}. */
export interface TempoReaderOptions extends BackendOptions {
  /** How many traces a search looks at; lists say where there were more. @defaultValue 1_000 */
  readonly searchLimit?: number | undefined
  /** How far back a search goes where no time is given, in milliseconds; a week is one request. @defaultValue 7 days */
  readonly lookbackMillis?: number | undefined
  /** The longest time that one search may cover, in milliseconds: Tempo's `max_duration`. @defaultValue 7 days */
  readonly windowMillis?: number | undefined
}

const optionNames: OptionNames<TempoReaderOptions> = {
  ...backendOptionNames,
  searchLimit: true,
  lookbackMillis: true,
  windowMillis: true,
}

/**
 * Reads runs from Grafana Tempo with TraceQL. Tempo hides its newest 30 seconds unless `query_end_cutoff` says otherwise,
 * and cuts long attributes without a word. It has no pages of spans: walks over spans fetch whole traces.
 *
 * @param url base address of the query API, `http://localhost:3200`; credentials in it go out as basic authentication
 * @param clock what "now" is for searches and idle threads
 * @throws {@link RunspanError} `bad_configuration` where the address or an option cannot work
 */
export function createTempoReader(
  url: string | URL,
  options: TempoReaderOptions = {},
  clock: Clock = systemClock,
): RunReader {
  checkOptions('createTempoReader', options, optionNames)
  const { searchLimit = 1_000, lookbackMillis = weekMillis, windowMillis = weekMillis, ...backend } = options
  for (const [name, value] of [
    ['searchLimit', searchLimit],
    ['lookbackMillis', lookbackMillis],
    ['windowMillis', windowMillis],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RunspanError(
        'bad_configuration',
        `Failed to read from Tempo: ${name} cannot be ${String(value)}. Use 1 or more.`,
      )
    }
  }
  const how = { limit: searchLimit, lookbackMillis, windowMillis }
  return createRunReader(new TempoSource(new BackendClient('Tempo', url, backend), how, clock), clock)
}
