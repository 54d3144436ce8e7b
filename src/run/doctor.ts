import { ROOT_CONTEXT, context, createContextKey, isSpanContextValid, propagation, trace } from '@opentelemetry/api'

import { rollupMark } from './run-entry.ts'
import { shared } from './shared.ts'
import { registeredProvider } from './ambient-tracer.ts'
import { findGenerator, probeSpan } from './probe.ts'
import { findProviderOwner } from './provider-owner.ts'
import { runTraceState } from '../propagation/run-trace-state.ts'

/** Something about the set-up that will cost traces, totals or links, and what to do about it. */
export interface Finding {
  /** Stable, for programs. */
  readonly code:
    | 'no_provider'
    | 'sentry_owns_provider'
    | 'datadog_owns_provider'
    | 'no_context_manager'
    | 'generator_missing'
    | 'rollup_missing'
    | 'rollup_after_exporter'
    | 'exporter_missing'
    | 'not_sampled'
    | 'propagator_missing'
    | 'sdk_too_old'
    | 'api_copies'
    | 'two_copies'
  /** `error`: runs are lost or broken. `warning`: something is missing from them. */
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** What to change. */
  readonly fix: string
}

/**
 * Inspects the running set-up. Call it after the provider is registered; nothing is exported by it.
 *
 * @returns what was found, the gravest first; empty where all is well
 */
export function doctor(): Promise<readonly Finding[]> {
  const findings = [...providerFindings(), ...contextFindings(), ...propagatorFindings(), ...copyFindings()]
  const errors = findings.filter((finding) => finding.severity === 'error')
  return Promise.resolve([...errors, ...findings.filter((finding) => finding.severity === 'warning')])
}

function providerFindings(): readonly Finding[] {
  const { span } = probeSpan()
  if (!isSpanContextValid(span.spanContext())) {
    const version = apiOfTheProvider()
    if (version !== undefined) {
      return [
        {
          code: 'api_copies',
          severity: 'error',
          message: `A tracer provider is registered through another copy of @opentelemetry/api, ${version}, which is too old for the one that Runspan has: nothing is recorded.`,
          fix: 'Install one version of @opentelemetry/api, 1.9 or later, for the whole application: npm ls @opentelemetry/api shows who brings which.',
        },
      ]
    }
    return [
      {
        code: 'no_provider',
        severity: 'error',
        message: 'No tracer provider is registered: runs go on, and nothing is recorded.',
        fix: "Start your NodeSDK before the first run, or call registerRunspan() from 'runspan/node'.",
      },
    ]
  }
  // What else is missing there is mended with it.
  const owner = findProviderOwner(registeredProvider(), span)
  if (owner !== undefined) return [{ severity: 'error', ...owner }]
  const findings: Finding[] = []
  if ('instrumentationLibrary' in span) {
    findings.push({
      code: 'sdk_too_old',
      severity: 'error',
      message: 'The provider is of OpenTelemetry JS 1.x, whose spans do not say who their parent is.',
      fix: 'Upgrade to @opentelemetry/sdk-node 0.200 or later (SDK 2.x).',
    })
  }
  if (findGenerator() === 'missing') {
    findings.push({
      code: 'generator_missing',
      severity: 'warning',
      message:
        'The provider does not use RunIdGenerator: run ids chosen by callers, spawned children and bare run ids as link targets do not work.',
      fix: 'Pass idGenerator: new RunIdGenerator() to the provider.',
    })
  }
  if (!span.isRecording()) {
    findings.push({
      code: 'not_sampled',
      severity: 'warning',
      message: 'The sampler dropped a root span: such runs have neither spans nor totals.',
      fix: 'Sample runs always, or put the sampler into new RunSampler(…), which records runs without sampling them.',
    })
    return findings
  }
  return [...findings, ...processorFindings()]
}

/**
 * The version of the api through which a provider is registered. All copies of one major share a global; one that is
 * newer than the copy which made that global passes over what is there.
 */
function apiOfTheProvider(): string | undefined {
  const api = (globalThis as { [key: symbol]: { version?: unknown; trace?: unknown } | undefined })[
    Symbol.for('opentelemetry.js.api.1')
  ]
  return api?.trace === undefined || typeof api.version !== 'string' ? undefined : api.version
}

function copyFindings(): readonly Finding[] {
  const { copies } = shared()
  if (copies <= 1) return []
  return [
    {
      code: 'two_copies',
      severity: 'warning',
      message: `This process has loaded ${copies} copies of Runspan. They share runs, settings and counters, as far as their versions allow.`,
      fix: 'Install one version: npm ls runspan shows who brings which.',
    },
  ]
}

/** Reads the provider's own list of processors, which has the same place in SDK 2.0 to 3.1. */
function processorFindings(): readonly Finding[] {
  const active = (registeredProvider() as { _activeSpanProcessor?: { _spanProcessors?: unknown } })._activeSpanProcessor
  const processors = active?._spanProcessors
  if (!Array.isArray(processors)) return []
  const isOurs = processors.map(
    (processor) => typeof processor === 'object' && processor !== null && rollupMark in processor,
  )
  if (!isOurs.includes(true)) {
    return [
      {
        code: 'rollup_missing',
        severity: 'warning',
        message: 'No RunRollupProcessor is registered: runs carry no totals.',
        fix: 'Put new RunRollupProcessor() first in spanProcessors, and keep your exporting processor after it.',
      },
    ]
  }
  if (!isOurs.includes(false)) {
    return [
      {
        code: 'exporter_missing',
        severity: 'error',
        message:
          'RunRollupProcessor is the only span processor: runs have totals, and no span leaves the process. NodeSDK makes no exporter of its own, and ignores traceExporter, where spanProcessors is given.',
        fix: 'Put an exporting processor after it: spanProcessors: [new RunRollupProcessor(), new BatchSpanProcessor(new OTLPTraceExporter())].',
      },
    ]
  }
  if (isOurs[0] === true) return []
  return [
    {
      code: 'rollup_after_exporter',
      severity: 'warning',
      message:
        'RunRollupProcessor stands after another processor: an exporter that takes spans at once misses the costs of calls and the totals of agents and of runs ended elsewhere.',
      fix: 'Put new RunRollupProcessor() first in spanProcessors.',
    },
  ]
}

function contextFindings(): readonly Finding[] {
  const key = createContextKey('runspan.doctor')
  const seen = context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key))
  if (seen === true) return []
  return [
    {
      code: 'no_context_manager',
      severity: 'error',
      message: 'No context manager is registered: spans find no parent, and currentRun() is always undefined.',
      fix: 'Register one: NodeSDK and NodeTracerProvider.register() do; else context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()).',
    },
  ]
}

function propagatorFindings(): readonly Finding[] {
  const carrier: Record<string, string> = {}
  const traceId = '1'.repeat(32)
  const spanContext = { traceId, spanId: '1'.repeat(16), traceFlags: 1, traceState: runTraceState(traceId) }
  propagation.inject(trace.setSpanContext(ROOT_CONTEXT, spanContext), carrier)
  if (carrier['traceparent'] !== undefined && carrier['tracestate'] !== undefined) return []
  return [
    {
      code: 'propagator_missing',
      severity: 'warning',
      message: 'No W3C trace context propagator is registered: instrumentations do not carry runs to other services.',
      fix: 'Register W3CTraceContextPropagator (the default of NodeSDK, unless OTEL_PROPAGATORS leaves out tracecontext), or send propagationHeaders() yourself.',
    },
  ]
}
