import { readFileSync } from 'node:fs'
import { validateHeaderName, validateHeaderValue } from 'node:http'

import { checkOptions } from '../../check-options.ts'
import { RunspanError } from '../../errors.ts'
import { textOf } from '../../internal/text-of.ts'
import { readNumber, readText, type Environment } from '../environment.ts'
import type { OtlpEncoderOptions } from '../otlp/create-otlp-encoder.ts'
import { resolveBudgets } from '../otlp/size-budgets.ts'
import { spoolSettings, type SpoolSettings } from '../spool/spool-options.ts'
import type { DestinationOptions, TlsOptions } from './delivery-options.ts'
import { parseHeaders } from './otlp-headers.ts'

/** Everything about one destination, with every default filled in. */
export interface DestinationSettings {
  readonly name: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'none'
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly timeoutMillis: number
  readonly tls: TlsOptions
  readonly maxQueueSizeBytes: number
  readonly maxRequestSizeBytes: number
  readonly maxConcurrentRequests: number
  readonly spool: SpoolSettings | undefined
  /** How spans are written for it. */
  readonly encoder: OtlpEncoderOptions
}

const defaultUrl = 'http://localhost:4318/v1/traces'

const leastQueueBytes = 1024 * 1024
/** Also the least that is tried after a server found requests too large. */
export const leastRequestBytes = 64 * 1024

/**
 * A destination from options, environment and defaults, in this order.
 *
 * @param isOnly whether it is the one that OTEL_EXPORTER_OTLP_* describe; of several, none gets address, headers or
 *   certificates from there
 * @throws {@link RunspanError} `bad_configuration` where something cannot work, gRPC included
 */
export function destinationSettings(
  options: DestinationOptions,
  environment: Environment,
  isOnly: boolean,
): DestinationSettings {
  const url = checkedUrl(options.url, isOnly ? environment : {})
  const protocol = protocolFrom(options.protocol, environment)
  const budgets = resolveBudgets(options)
  if (options.tls !== undefined) checkOptions('tls', options.tls, { ca: true, cert: true, key: true })
  return {
    name: options.name ?? new URL(url).host,
    url,
    headers: headersFrom(options.headers, isOnly ? environment : {}),
    compression: compressionFrom(options.compression, environment),
    protocol,
    timeoutMillis:
      checkedNumber('timeoutMillis', options.timeoutMillis, 1) ?? numberOf(environment, 'TIMEOUT', 1) ?? 10_000,
    tls: options.tls ?? (isOnly ? tlsFrom(environment) : {}),
    maxQueueSizeBytes:
      checkedNumber('maxQueueSizeBytes', options.maxQueueSizeBytes, leastQueueBytes) ?? 64 * 1024 * 1024,
    maxRequestSizeBytes: budgets.maxRequestSizeBytes,
    maxConcurrentRequests: checkedNumber('maxConcurrentRequests', options.maxConcurrentRequests, 1) ?? 8,
    spool: options.spool === undefined ? undefined : spoolSettings(options.spool),
    encoder: {
      ...budgets,
      encoding: protocol === 'http/json' ? 'json' : 'protobuf',
      redaction: options.redaction,
      offload: options.offload,
    },
  }
}

/** An option's number. @throws {@link RunspanError} where it is none, or below `least` */
export function checkedNumber(name: string, value: number | undefined, least: number): number | undefined {
  if (value === undefined || (typeof value === 'number' && value >= least && Number.isFinite(value))) return value
  throw unusable(name, value, `Pass a number, at least ${least}.`)
}

/** The error for a setting that cannot work. */
export function unusable(name: string, value: unknown, advice: string): RunspanError {
  return new RunspanError(
    'bad_configuration',
    `Failed to configure ${name}: ${textOf(value)} cannot be used. ${advice}`,
  )
}

/** A URL without what may be secret in it, for messages. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** The variable for traces, else the one for every signal. */
function variableOf(environment: Environment, suffix: string): string {
  const own = `OTEL_EXPORTER_OTLP_TRACES_${suffix}`
  return readText(environment, own) === undefined ? `OTEL_EXPORTER_OTLP_${suffix}` : own
}

function numberOf(environment: Environment, suffix: string, least: number): number | undefined {
  return readNumber(environment, variableOf(environment, suffix), least)
}

/**
 * The address of the signal is used as it is; to the general one `v1/traces` is appended, whatever path it has (OTLP
 * exporter specification, "Endpoint URLs for OTLP/HTTP").
 */
function checkedUrl(option: string | undefined, environment: Environment): string {
  if (option !== undefined) return parsedUrl('url', option)
  const own = readText(environment, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT')
  if (own !== undefined) return parsedUrl('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', own)
  const general = readText(environment, 'OTEL_EXPORTER_OTLP_ENDPOINT')
  if (general === undefined) return defaultUrl
  const url = new URL(parsedUrl('OTEL_EXPORTER_OTLP_ENDPOINT', general))
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`
  return url.href
}

function parsedUrl(name: string, text: string): string {
  const advice = `Use a URL with its scheme, such as ${defaultUrl}.`
  if (typeof text !== 'string' || !URL.canParse(text)) throw unusable(name, text, advice)
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw unusable(name, text, advice)
  return url.href
}

function headersFrom(
  options: Readonly<Record<string, string>> | undefined,
  environment: Environment,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  // The signal's own headers are added to the general ones and win.
  for (const variable of ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS']) {
    const text = readText(environment, variable)
    if (text !== undefined) Object.assign(headers, parseHeaders(text, variable))
  }
  for (const [name, value] of Object.entries(options ?? {})) {
    // Without the value, which may be a secret.
    if (typeof value !== 'string') throw unusable(`headers.${name}`, typeof value, 'Pass a text.')
    if (!isHeader(name, value)) {
      throw unusable(`headers.${name}`, 'it', 'HTTP allows no such name, or a character in its value.')
    }
    headers[name.toLowerCase()] = value
  }
  return headers
}

/** Node would throw at every request. */
function isHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

function compressionFrom(option: 'gzip' | 'none' | undefined, environment: Environment): 'gzip' | 'none' {
  const variable = variableOf(environment, 'COMPRESSION')
  const value = option ?? readText(environment, variable)?.toLowerCase() ?? 'none'
  if (value === 'gzip' || value === 'none') return value
  throw unusable(option === undefined ? variable : 'compression', value, "Use 'gzip' or 'none'.")
}

function protocolFrom(
  option: DestinationSettings['protocol'] | undefined,
  environment: Environment,
): DestinationSettings['protocol'] {
  const variable = variableOf(environment, 'PROTOCOL')
  const value: string = option ?? readText(environment, variable)?.toLowerCase() ?? 'http/protobuf'
  if (value === 'http/protobuf' || value === 'http/json') return value
  const advice =
    value === 'grpc'
      ? 'Use http/protobuf, with the OTLP/HTTP port of the collector (4318; gRPC has 4317), or an exporter of @opentelemetry/exporter-trace-otlp-grpc.'
      : "Use 'http/protobuf' or 'http/json'."
  throw unusable(option === undefined ? variable : 'protocol', value, advice)
}

function tlsFrom(environment: Environment): TlsOptions {
  const ca = fileOf(environment, 'CERTIFICATE')
  const cert = fileOf(environment, 'CLIENT_CERTIFICATE')
  const key = fileOf(environment, 'CLIENT_KEY')
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

function fileOf(environment: Environment, suffix: string): Uint8Array | undefined {
  const variable = variableOf(environment, suffix)
  const path = readText(environment, variable)
  if (path === undefined) return undefined
  try {
    return readFileSync(path)
  } catch (error) {
    throw new RunspanError(
      'bad_configuration',
      `Failed to configure ${variable}: ${path} cannot be read. Use the path of a file in PEM.`,
      { cause: error },
    )
  }
}
