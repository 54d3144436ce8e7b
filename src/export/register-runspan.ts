import { createRequire } from 'node:module'

import { context, diag, propagation, trace } from '@opentelemetry/api'

import { RunspanError } from '../errors.ts'
import { carryRuns } from '../propagation/carry-runs.ts'
import { RunRollupProcessor } from '../rollup/run-rollup-processor.ts'
import type { SpanProcessorLike } from '../rollup/span-like.ts'
import { configureRunspan } from '../run/configure.ts'
import { RunIdGenerator } from '../run/run-id-generator.ts'
import { applyOptions } from '../run/settings.ts'
import { shared } from '../run/shared.ts'
import { RunSampler } from '../sampling/run-sampler.ts'
import { RunSamplingProcessor } from '../sampling/run-sampling-processor.ts'
import { otherCopyOf } from './api-copies.ts'
import { batchOptionsFrom } from './batch-options.ts'
import { RunspanSpanProcessor } from './delivery/runspan-span-processor.ts'
import { Delivery } from './delivery.ts'
import { startDiagLogger } from './diag-logger.ts'
import { readFlag, type Environment } from './environment.ts'
import { createOtlpExporter, destinationsFrom, type Destinations } from './exporters.ts'
import { flushBeforeExit } from './process-exit.ts'
import { propagatorFrom } from './propagators.ts'
import { checkRegisterOptions, type RegisterOptions } from './register-options.ts'
import { isRegistered } from './registered-globals.ts'
import { Registration, type RegisteredRunspan } from './registration.ts'
import { resourceFrom } from './resource.ts'
import { samplerFrom } from './sampler.ts'
import { findSdk, type FoundSdk } from './sdk-packages.ts'
import { spanLimitsFrom } from './span-limits.ts'
import type { SpanExporterLike } from './trace-sdk.ts'

const defaultFlushTimeoutMillis = 10_000

// Shared between copies of the package, as the provider is.
const registrationKey = Symbol.for('runspan.v1.registration')
type Host = { [registrationKey]?: RegisteredRunspan }

/**
 * Sets OpenTelemetry up for runs: provider, context manager and W3C propagators from the SDK packages that the
 * application has installed, with `RunIdGenerator`, `RunRollupProcessor` and `RunspanSpanProcessor`, which sends spans as
 * OTLP over HTTP. Synchronous, so that a run may start on the next line. Every OTEL_* variable of the tracing SDK is honoured, on SDK 2.x and 3.x alike; with
 * OTEL_SDK_DISABLED=true runs work and nothing is recorded.
 *
 * Nothing is lost at the end of the process: what has ended is flushed at its natural end and on SIGTERM and SIGINT,
 * and sent in the last moment on `process.exit()` and after an exception that nobody catches; runs that are open end as
 * abandoned. A collector that does not answer holds the end up for `flushTimeoutMillis` at most.
 *
 * It is for applications without a set-up. Beside an existing `NodeSDK`, add `idGenerator: new RunIdGenerator()` and
 * `new RunRollupProcessor()` to that one instead.
 *
 * A second call returns what the first one set up, with a warning; its options are ignored.
 *
 * @throws {@link RunspanError} `bad_configuration` where an option cannot work, or a provider is registered already;
 *   `missing_package` where the SDK is not installed, with the line that installs it
 *
 * @example
 * ```ts
 * import { registerRunspan } from 'runspan/node'
 *
 * const telemetry = registerRunspan({ serviceName: 'planner' })
 * const report = await telemetry.shutdown()
 * console.log(report.status, report.exportedSpans)
 * ```
 */
export function registerRunspan(options: RegisterOptions = {}): RegisteredRunspan {
  checkRegisterOptions(options)
  const host = globalThis as Host
  const first = host[registrationKey]
  if (first !== undefined) {
    diag.warn(
      'runspan: registerRunspan was called again; the first registration stands, and these options are ignored.',
    )
    return first
  }
  const environment: Environment = process.env
  startDiagLogger(environment)
  if (isRegistered('trace')) throw providerExists()
  const { strict, ...settings } = options
  applyOptions(shared().settings, settings)
  const registration = readFlag(environment, 'OTEL_SDK_DISABLED')
    ? registerDisabled(environment)
    : registerEnabled(options, environment)
  host[registrationKey] = registration
  if (strict === true) configureRunspan({ strict })
  return registration
}

function registerEnabled(options: RegisterOptions, environment: Environment): Registration {
  const destinations: Destinations = isExporter(options.exporter)
    ? { runspan: false, otlp: [], console: false }
    : destinationsFrom(environment, options.exporter === 'stock')
  const found = findSdk(destinations.otlp)
  const { sdk } = found
  const rollup = new RunRollupProcessor({ ...options.rollup, adopt: options.rollup?.adopt ?? 'agents' })
  const delivery = new Delivery()
  const flushTimeoutMillis = options.flushTimeoutMillis ?? defaultFlushTimeoutMillis
  const runspan = destinations.runspan
    ? new RunspanSpanProcessor({ flushTimeoutMillis, ...options.delivery })
    : undefined
  const exporting = [
    ...(runspan === undefined ? [] : [runspan]),
    ...exportingProcessors(options, environment, destinations, found, delivery),
  ]
  const { ratio, ...sampling } = options.sampling ?? {}
  const hasSampling = options.sampling !== undefined
  const processors = [
    rollup,
    ...(hasSampling ? [new RunSamplingProcessor(exporting, sampling)] : exporting),
    ...(options.spanProcessors ?? []),
  ]
  const provider = sdk.createProvider({
    idGenerator: new RunIdGenerator(options.idGenerator),
    resource: resourceFrom(sdk, options.serviceName, options.resourceAttributes),
    sampler: new RunSampler(options.sampler ?? samplerFrom(environment, sdk), {
      families: hasSampling,
      ratio,
    }),
    spanLimits: spanLimitsFrom(environment),
    spanProcessors: processors,
  })
  // Also checks `carryTo`: the last thing that can be refused, before anything is registered.
  const stopCarrying = options.carryTo === undefined ? undefined : carryRuns({ to: options.carryTo })
  const adoptOtherCopy = otherCopyOf(found.find('@opentelemetry/api'), createRequire(import.meta.url).cache)
  if (!trace.setGlobalTracerProvider(provider)) {
    stopCarrying?.()
    throw providerExists()
  }
  adoptOtherCopy(provider)
  registerContext(found, environment)
  const registration = new Registration({
    processors,
    rollup,
    delivery,
    runspan,
    flushTimeoutMillis,
  })
  registration.onShutdown(flushBeforeExit(registration, options.exitSignals ?? true))
  if (stopCarrying !== undefined) registration.onShutdown(stopCarrying)
  return registration
}

/** The processors that send spans out, in the order in which they are registered. */
function exportingProcessors(
  options: RegisterOptions,
  environment: Environment,
  destinations: Destinations,
  found: FoundSdk,
  delivery: Delivery,
): readonly SpanProcessorLike[] {
  const { sdk } = found
  const batch = batchOptionsFrom(environment)
  const exporter = isExporter(options.exporter) ? options.exporter : createOtlpExporter(destinations.otlp, found, batch)
  const processors: SpanProcessorLike[] = []
  if (exporter !== undefined) {
    const processor = sdk.createBatchProcessor(delivery.tracking(exporter), batch)
    processors.push(delivery.queueing(processor, batch.maxQueueSize))
  }
  if (destinations.console) {
    const printer = sdk.createConsoleExporter()
    // Beside another exporter it would count every span twice.
    const isAlone = exporter === undefined && !destinations.runspan
    processors.push(sdk.createSimpleProcessor(isAlone ? delivery.tracking(printer) : printer))
  }
  if (exporter === undefined) processors.push(delivery.noting())
  return processors
}

function isExporter(exporter: RegisterOptions['exporter']): exporter is SpanExporterLike {
  return exporter !== undefined && exporter !== 'stock'
}

/** Runs need the context manager and carry on with propagators also where nothing is recorded, as the specification asks. */
function registerDisabled(environment: Environment): Registration {
  diag.info('runspan: OTEL_SDK_DISABLED is set; nothing is recorded.')
  try {
    registerContext(findSdk([]), environment)
  } catch (error) {
    if (!RunspanError.is(error)) throw error
    diag.warn(
      'runspan: without the SDK packages there is no context manager, so that currentRun() is undefined.',
      error,
    )
  }
  return new Registration({
    processors: [],
    rollup: undefined,
    delivery: new Delivery(),
    runspan: undefined,
    flushTimeoutMillis: defaultFlushTimeoutMillis,
  })
}

/** Registers context manager and propagator; what the application has registered itself stays. */
function registerContext({ sdk }: FoundSdk, environment: Environment): void {
  if (isRegistered('context')) diag.debug('runspan: the context manager that is registered already is used.')
  else context.setGlobalContextManager(new sdk.context.AsyncLocalStorageContextManager().enable())
  if (isRegistered('propagation')) {
    diag.warn('runspan: the propagator that is registered already is used, and OTEL_PROPAGATORS is not read.')
    return
  }
  const propagator = propagatorFrom(environment, sdk)
  if (propagator !== undefined) propagation.setGlobalPropagator(propagator)
}

function providerExists(): RunspanError {
  return new RunspanError(
    'bad_configuration',
    'Failed to register Runspan: a tracer provider is registered already. Leave registerRunspan out, and add two lines to that set-up instead: idGenerator: new RunIdGenerator(), and new RunRollupProcessor() first in spanProcessors.',
  )
}
