import { diag } from '@opentelemetry/api'

import { readNames, readText, type Environment } from './environment.ts'
import { otlpPackages, type FoundSdk } from './sdk-packages.ts'
import type { BatchOptions, OtlpModule, SpanExporterLike } from './trace-sdk.ts'

/** Where spans go, decided before anything is loaded. */
export interface Destinations {
  /** Whether they go out as OTLP over HTTP by our own processor. */
  readonly runspan: boolean
  /** Packages that hold an OTLP exporter of OpenTelemetry's to use instead, the wanted one first; empty for none. */
  readonly otlp: readonly string[]
  readonly console: boolean
}

/**
 * What OTEL_TRACES_EXPORTER and OTEL_EXPORTER_OTLP_PROTOCOL ask for: OTLP over HTTP where they are unset. gRPC is left to
 * OpenTelemetry's exporter.
 *
 * @param isStock whether OpenTelemetry's exporter is to be used for HTTP too
 */
export function destinationsFrom(environment: Environment, isStock: boolean): Destinations {
  const names = readNames(environment, 'OTEL_TRACES_EXPORTER') ?? ['otlp']
  if (names.includes('none')) return { runspan: false, otlp: [], console: false }
  for (const name of names) {
    if (name !== 'otlp' && name !== 'console') {
      diag.warn(
        `runspan: the exporter ${name} of OTEL_TRACES_EXPORTER is left out: registerRunspan knows otlp, console and none. Pass others as options.exporter.`,
      )
    }
  }
  const isOtlp = names.includes('otlp')
  const usesPackage = isOtlp && (isStock || protocolOf(environment).name === 'grpc')
  return {
    runspan: isOtlp && !usesPackage,
    otlp: usesPackage ? otlpPackagesFrom(environment) : [],
    console: names.includes('console'),
  }
}

function protocolOf(environment: Environment): { readonly variable: string; readonly name: string | undefined } {
  const variable =
    readText(environment, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') === undefined
      ? 'OTEL_EXPORTER_OTLP_PROTOCOL'
      : 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
  return { variable, name: readText(environment, variable)?.toLowerCase() }
}

/** The package for the protocol, then one that does as well. */
function otlpPackagesFrom(environment: Environment): readonly string[] {
  const { variable, name: protocol = 'http/json' } = protocolOf(environment)
  switch (protocol) {
    case 'http/json':
      return [otlpPackages['http/json']]
    case 'http/protobuf':
      // The same endpoint takes both. gRPC has a port of its own, so nothing can stand in for it.
      return [otlpPackages['http/protobuf'], otlpPackages['http/json']]
    case 'grpc':
      return [otlpPackages.grpc]
    default:
      diag.warn(`runspan: ${variable}=${protocol} is not known; http/json is used.`)
      return [otlpPackages['http/json']]
  }
}

/** Makes the OTLP exporter of the application's install; it reads OTEL_EXPORTER_OTLP_* itself. */
export function createOtlpExporter(
  packages: readonly string[],
  found: FoundSdk,
  { maxQueueSize, maxExportBatchSize }: BatchOptions,
): SpanExporterLike | undefined {
  for (const name of packages) {
    const installed = found.find(name)
    if (installed === undefined) continue
    if (name !== packages[0]) diag.warn(`runspan: ${packages[0]} is not installed; ${name} is used, which sends JSON.`)
    const { OTLPTraceExporter } = installed.load() as OtlpModule
    // A flush sends the whole queue at once; the exporter's own limit of 30 requests would fail the rest.
    const concurrencyLimit = Math.max(30, Math.ceil(maxQueueSize / maxExportBatchSize) + 1)
    return new OTLPTraceExporter({ concurrencyLimit })
  }
  return undefined
}
