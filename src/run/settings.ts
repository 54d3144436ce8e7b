import { RunspanError } from '../errors.ts'

/**
 * What is recorded of the values that pass through a run.
 *
 * - `off`: none, not even what the code passes explicitly.
 * - `explicit`: what the code passes: `input`, `metadata`, `goal`, `setInput`, `setOutput`.
 * - `all`: also what Runspan can take by itself: arguments and results of wrapped functions.
 */
export type ContentCapture = 'off' | 'explicit' | 'all'

/** Where a text that is about to be recorded will stand. */
export interface RedactionSite {
  /** The attribute key, or `status.message`. */
  readonly key: string
}

/**
 * The one place where content may be changed before it is recorded: JSON of inputs and outputs, goals, metadata,
 * messages of failures, event attributes. Returns the text to record. Where it throws, nothing is recorded.
 */
export type Redact = (text: string, site: RedactionSite) => string

/**
 * Which runs leave a span as soon as they open, so that they are seen while they are open.
 *
 * - `none`: no run.
 * - `detached`: runs that nobody may wait for: those of `startRun`, handed off later or not, and those that were spawned.
 * - `all`: every run, those of `wrapAgent` too.
 */
export type StartMarkers = 'none' | 'detached' | 'all'

/** Settings of this process, with every default filled in. */
export interface Settings {
  content: ContentCapture
  redact: Redact | undefined
  streamIdleMillis: number
  abandonAfterMillis: number
  startMarkers: StartMarkers
  /** Infinite for none. */
  checkpointIntervalMillis: number
}

/** Options of `configureRunspan`. What is left out stays as it is. */
export interface RunspanOptions {
  /**
   * What is recorded of values.
   *
   * @defaultValue `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`: `false` → `off`, `true` → `all`, else `explicit`
   */
  readonly content?: ContentCapture | undefined
  /** Changes content before it is recorded. */
  readonly redact?: Redact | undefined
  /** Throws `generator_missing` at once when the registered provider does not use a `RunIdGenerator`. @defaultValue false */
  readonly strict?: boolean | undefined
  /** After how many milliseconds without a read a returned stream counts as abandoned. At least 1. @defaultValue 300_000 */
  readonly streamIdleMillis?: number | undefined
  /** After how many milliseconds without a span an open run counts as abandoned. At least 1. @defaultValue 86_400_000 */
  readonly abandonAfterMillis?: number | undefined
  /** Which runs leave a span `runspan started` when they open; `startMarker` of a run beats it. @defaultValue 'detached' */
  readonly startMarkers?: StartMarkers | undefined
  /**
   * After how many milliseconds a run that is still open leaves a span `runspan checkpoint` with its sums so far, and again
   * each time as many have passed, give or take a quarter. At least 100; `false` for none. @defaultValue 60_000
   */
  readonly checkpointIntervalMillis?: number | false | undefined
}

const captureVariable = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'

export function defaultSettings(): Settings {
  return {
    content: contentFromEnvironment(),
    redact: undefined,
    streamIdleMillis: 300_000,
    abandonAfterMillis: 86_400_000,
    startMarkers: 'detached',
    checkpointIntervalMillis: 60_000,
  }
}

function contentFromEnvironment(): ContentCapture {
  const value = globalThis.process?.env?.[captureVariable]?.trim().toLowerCase()
  if (value === undefined || value === '') return 'explicit'
  // The variable also has values that name where content goes (span_only, span_and_event, event_only, no_content).
  if (value === 'false' || value === 'no_content') return 'off'
  return value === 'true' || value.startsWith('span') ? 'all' : 'explicit'
}

/**
 * Checks options and writes them over the settings.
 *
 * @throws {@link RunspanError} `bad_configuration` where a value cannot work
 */
export function applyOptions(settings: Settings, options: RunspanOptions): void {
  if (options.content !== undefined) {
    if (!['off', 'explicit', 'all'].includes(options.content)) {
      throw bad('content', options.content, "Use 'off', 'explicit' or 'all'.")
    }
    settings.content = options.content
  }
  if (options.redact !== undefined) {
    if (typeof options.redact !== 'function') throw bad('redact', options.redact, 'Pass a function of (text, site).')
    settings.redact = options.redact
  }
  settings.streamIdleMillis = checkedMillis('streamIdleMillis', options.streamIdleMillis) ?? settings.streamIdleMillis
  settings.abandonAfterMillis =
    checkedMillis('abandonAfterMillis', options.abandonAfterMillis) ?? settings.abandonAfterMillis
  const { startMarkers, checkpointIntervalMillis } = options
  if (startMarkers !== undefined) {
    if (!['none', 'detached', 'all'].includes(startMarkers)) {
      throw bad('startMarkers', startMarkers, "Use 'none', 'detached' or 'all'.")
    }
    settings.startMarkers = startMarkers
  }
  if (checkpointIntervalMillis === false) settings.checkpointIntervalMillis = Number.POSITIVE_INFINITY
  else {
    settings.checkpointIntervalMillis =
      checkedMillis('checkpointIntervalMillis', checkpointIntervalMillis, 100, ', or false') ??
      settings.checkpointIntervalMillis
  }
}

function checkedMillis(name: string, value: number | undefined, least = 1, orElse = ''): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value >= least)) {
    throw bad(name, value, `Pass a number of milliseconds, at least ${least}${orElse}.`)
  }
  return value
}

function bad(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure ${name}: ${String(value)} cannot be used. ${advice}`,
  )
}
