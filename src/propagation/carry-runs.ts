import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { context } from '@opentelemetry/api'

import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import { currentPart } from '../run/run-context.ts'
import { count, guarded } from '../run/stats.ts'
import { propagationHeaders } from './propagation-headers.ts'

/**
 * Hosts that a run may be carried to. A string is a host name, with a port (`search:8080`) where only that one is
 * meant; a pattern is tried on the host, with its port where that is not the scheme's own; a function sees the URL.
 */
export type CarryTarget = readonly (string | RegExp)[] | ((url: URL) => boolean)

/** Options of {@link carryRuns}. */
export interface CarryOptions {
  /** The hosts that are meant. All others get nothing. */
  readonly to: CarryTarget
}

/** undici's request, as its 5 to 7 have it: Node 20 bundles 6, Node 24 bundles 7. */
interface UndiciRequest {
  readonly origin?: string | URL
  readonly path: string
  readonly method?: string
  /** Names and values in turn; one string of header lines in undici 5. */
  headers: unknown
  addHeader?: (name: string, value: string) => unknown
}

const channel = 'undici:request:create'

// `suppressTracing` of @opentelemetry/core sets it; keys of contexts are registered symbols.
const suppressedKey = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/**
 * Makes `fetch` and undici carry the current run to the hosts that are named, without the official instrumentation:
 * `traceparent`, and `tracestate` with the `runspan` member. Outside a run nothing is added, and a request that has a
 * `traceparent` keeps it. Beside `@opentelemetry/instrumentation-undici`, in whichever order the two were started, its
 * headers win, so that the other service's part stands below its client span.
 *
 * `node:http` is not covered: use `propagationHeaders()`, or the HTTP instrumentation.
 *
 * @returns what stops it
 * @throws {@link RunspanError} `bad_configuration` where `to` is neither a list nor a function
 *
 * @example
 * ```ts
 * import { carryRuns } from 'runspan/node'
 *
 * const stop = carryRuns({ to: ['search', 'localhost:8080', /\.internal$/] })
 * stop()
 * ```
 */
export function carryRuns(options: CarryOptions): () => void {
  const isNamed = matcherOf(options?.to)
  function onRequest(message: unknown): void {
    try {
      carry((message as { request: UndiciRequest }).request, isNamed)
    } catch (error) {
      count('internalErrors', 'failed to carry a run with a request; it was sent as it was', error)
    }
  }
  subscribe(channel, onRequest)
  return () => unsubscribe(channel, onRequest)
}

function carry(request: UndiciRequest, isNamed: (url: URL) => boolean): void {
  if (currentPart() === undefined || request.method === 'CONNECT' || hasTraceparent(request.headers)) return
  // An exporter that uses fetch runs in the context of whoever ended the first span of its batch.
  if (context.active().getValue(suppressedKey) === true) return
  const url = urlOf(request)
  if (url === undefined || !isNamed(url)) return
  const headers = propagationHeaders()
  for (const [name, value] of Object.entries(headers)) addHeader(request, name, value)
  giveWay(request, headers)
}

/** Absolute paths win over the origin: that is how a request through a proxy names its target. */
function urlOf({ path, origin }: UndiciRequest): URL | undefined {
  try {
    return new URL(path, origin)
  } catch {
    return undefined
  }
}

function hasTraceparent(headers: unknown): boolean {
  if (typeof headers === 'string') return /^traceparent:/im.test(headers)
  return Array.isArray(headers) && headers.some((name, index) => index % 2 === 0 && isName(name, 'traceparent'))
}

function isName(candidate: unknown, name: string): boolean {
  return typeof candidate === 'string' && candidate.toLowerCase() === name
}

function addHeader(request: UndiciRequest, name: string, value: string): void {
  if (typeof request.addHeader === 'function') request.addHeader(name, value)
  else if (typeof request.headers === 'string') request.headers += `${name}: ${value}\r\n`
  // undici 6.11.0 came without addHeader.
  else if (Array.isArray(request.headers)) request.headers.push(name, value)
}

/** Takes our headers back when somebody who listens after us adds the same ones. */
function giveWay(request: UndiciRequest, ours: Readonly<Record<string, string>>): void {
  const add = request.addHeader
  if (typeof add !== 'function') return
  request.addHeader = function addHeaderOnce(name, value) {
    if (isName(name, 'traceparent')) for (const [own, text] of Object.entries(ours)) removeHeader(request, own, text)
    return add.call(request, name, value)
  }
}

function removeHeader(request: UndiciRequest, name: string, value: string): void {
  const { headers } = request
  if (typeof headers === 'string') {
    request.headers = headers.replace(`${name}: ${value}\r\n`, '')
  } else if (Array.isArray(headers)) {
    const index = headers.findIndex((entry, at) => at % 2 === 0 && entry === name && headers[at + 1] === value)
    if (index !== -1) headers.splice(index, 2)
  }
}

function matcherOf(to: CarryTarget): (url: URL) => boolean {
  if (typeof to === 'function') return (url) => guarded('carryRuns({ to })', () => to(url)) === true
  if (!Array.isArray(to) || !to.every((entry) => typeof entry === 'string' || entry instanceof RegExp)) {
    throw new RunspanError(
      'bad_configuration',
      `Failed to configure carryRuns: to is ${textOf(to)}. Name the hosts that runs may travel to: { to: ['search', 'localhost:8080', /\\.internal$/] }, or pass a function of the URL.`,
    )
  }
  const targets = to as readonly (string | RegExp)[]
  return (url) =>
    targets.some((target) =>
      // search() takes no notice of the flags g and y, whose state would make every second request differ.
      typeof target === 'string' ? isHost(url, target.toLowerCase()) : url.host.search(target) !== -1,
    )
}

function isHost(url: URL, name: string): boolean {
  return url.host === name || url.hostname === name || `${url.hostname}:${portOf(url)}` === name
}

function portOf({ port, protocol }: URL): string {
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port
}
