import type { Attributes } from '@opentelemetry/api'

import { checkOptions, type OptionNames } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import type { CarryTarget } from '../propagation/carry-runs.ts'
import type { RollupOptions } from '../rollup/run-rollup-processor.ts'
import type { SpanProcessorLike } from '../rollup/span-like.ts'
import type { IdGeneratorLike } from '../run/run-id-generator.ts'
import type { RunspanOptions } from '../run/settings.ts'
import { runSamplingOptionNames, type RunSamplingOptions } from '../sampling/run-sampling-processor.ts'
import type { SamplerLike } from '../sampling/sampler-like.ts'
import type { DeliveryOptions } from './delivery/delivery-options.ts'
import type { SpanExporterLike } from './trace-sdk.ts'

/** The `sampling` of `registerRunspan`: what `RunSamplingProcessor` takes, and the ratio of `RunSampler`. */
export interface RegisterSamplingOptions extends RunSamplingOptions {
  /** The share of all families whose runs are sampled, from 0 to 1. @defaultValue what the sampler says of runs */
  readonly ratio?: number | undefined
}

/** Options of `registerRunspan`. An option beats the environment, and that the default. */
export interface RegisterOptions extends RunspanOptions {
  /** `service.name` of everything this process reports. @defaultValue OTEL_SERVICE_NAME, else `unknown_service:node` */
  readonly serviceName?: string | undefined
  /** Further resource attributes; they win over those of OTEL_RESOURCE_ATTRIBUTES. */
  readonly resourceAttributes?: Attributes | undefined
  /** Options of the `RunRollupProcessor`. Here `adopt` is `'agents'` unless it is given. */
  readonly rollup?: RollupOptions | undefined
  /** Further span processors, after the one that exports. Flushed and shut down with it. */
  readonly spanProcessors?: readonly SpanProcessorLike[] | undefined
  /**
   * What sends spans out instead of the `RunspanSpanProcessor`: an exporter, whatever OTEL_TRACES_EXPORTER says, or
   * `'stock'` for OpenTelemetry's own OTLP exporter, which has to be installed. Both come behind a batch processor, as
   * OTEL_BSP_* say.
   */
  readonly exporter?: SpanExporterLike | 'stock' | undefined
  /** Options of the `RunspanSpanProcessor`: destinations, limits, redaction. Not beside an `exporter`. */
  readonly delivery?: DeliveryOptions | undefined
  /** Where ids come from that Runspan does not decide. @defaultValue random ids */
  readonly idGenerator?: IdGeneratorLike | undefined
  /**
   * Which traces are sampled. Runs are recorded all the same, as `RunSampler` does, so that their totals are known.
   *
   * @defaultValue OTEL_TRACES_SAMPLER, else all
   */
  readonly sampler?: SamplerLike | undefined
  /** Which runs are sampled, and what leaves of the others. @defaultValue as the sampler says, and nothing */
  readonly sampling?: RegisterSamplingOptions | undefined
  /**
   * How long a flush may take, in milliseconds from its start: one that is called, one at the end of the process, and
   * the one in a shutdown. At least 1.
   *
   * @defaultValue 10_000
   */
  readonly flushTimeoutMillis?: number | undefined
  /**
   * Whether SIGTERM and SIGINT flush before they end the process. Where the application listens to them too, they only
   * flush, and ending stays its business.
   *
   * @defaultValue true
   */
  readonly exitSignals?: boolean | undefined
  /** Hosts that `fetch` carries the current run to. See `carryRuns`. @defaultValue none */
  readonly carryTo?: CarryTarget | undefined
}

const samplingNames: OptionNames<RegisterSamplingOptions> = { ...runSamplingOptionNames, ratio: true }

/** The longest delay that Node's timers know. */
const longestMillis = 2 ** 31 - 1

const checks: Readonly<
  Record<keyof RegisterOptions, { readonly fits: (value: never) => boolean; readonly advice: string }>
> = {
  serviceName: { fits: (value) => typeof value === 'string' && value !== '', advice: 'Pass a name.' },
  resourceAttributes: { fits: isRecord, advice: 'Pass an object of attributes.' },
  rollup: { fits: isRecord, advice: 'Pass an object of rollup options.' },
  spanProcessors: {
    fits: areProcessors,
    advice: 'Pass an array of span processors.',
  },
  exporter: {
    fits: (value) => value === 'stock' || hasMethods(value, ['export', 'shutdown']),
    advice: "Pass a span exporter, or 'stock'.",
  },
  // The processor checks what is in it.
  delivery: { fits: isRecord, advice: 'Pass an object of delivery options.' },
  idGenerator: {
    fits: (value) => hasMethods(value, ['generateTraceId', 'generateSpanId']),
    advice: 'Pass an object with generateTraceId() and generateSpanId(); RunIdGenerator is put around it.',
  },
  sampler: { fits: (value) => hasMethods(value, ['shouldSample']), advice: 'Pass a sampler.' },
  sampling: { fits: isRecord, advice: 'Pass an object of sampling options.' },
  flushTimeoutMillis: {
    fits: (value) => typeof value === 'number' && value >= 1 && value <= longestMillis,
    advice: 'Pass a number of milliseconds, at least 1.',
  },
  exitSignals: { fits: (value) => typeof value === 'boolean', advice: 'Pass true or false.' },
  // carryRuns and configureRunspan check theirs.
  carryTo: { fits: () => true, advice: '' },
  content: { fits: () => true, advice: '' },
  redact: { fits: () => true, advice: '' },
  strict: { fits: () => true, advice: '' },
  streamIdleMillis: { fits: () => true, advice: '' },
  abandonAfterMillis: { fits: () => true, advice: '' },
  startMarkers: { fits: () => true, advice: '' },
  checkpointIntervalMillis: { fits: () => true, advice: '' },
}

/**
 * Checks what can be checked before anything is set up.
 *
 * @throws {@link RunspanError} `bad_configuration`
 */
export function checkRegisterOptions(options: RegisterOptions): void {
  checkOptions('registerRunspan', options, checks)
  for (const [name, { fits, advice }] of Object.entries(checks)) {
    const value = options[name as keyof RegisterOptions]
    if (value !== undefined && !fits(value as never)) throw bad(name, value, advice)
  }
  if (options.sampling !== undefined) checkOptions('sampling', options.sampling, samplingNames)
  if (options.delivery !== undefined && options.exporter !== undefined) {
    throw bad(
      'delivery',
      options.delivery,
      'Leave it or the exporter out: an exporter of your own is not affected by it.',
    )
  }
}

function areProcessors(value: unknown): boolean {
  const methods = ['onStart', 'onEnd', 'forceFlush', 'shutdown']
  return Array.isArray(value) && value.every((entry) => hasMethods(entry, methods))
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  return isRecord(value) && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
}

function bad(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure ${name}: ${textOf(value)} cannot be used. ${advice}`,
  )
}
