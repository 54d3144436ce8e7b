import { subscribe, unsubscribe } from 'node:diagnostics_channel'

import { context, createContextKey, type Context } from '@opentelemetry/api'

import { checkOptions, type OptionNames } from '../check-options.ts'
import { currentPart } from '../run/run-context.ts'
import { count } from '../run/stats.ts'
import { cover } from './covered-requests.ts'
import { expectAnswer } from './expected-answers.ts'
import { hostMatcher, type CarryTarget } from './hosts.ts'
import { headersOf, type PropagationOptions } from './propagation-headers.ts'
import { checkedTrustKey } from './trust-key.ts'
import { addHeader, dropFirstOfTwo, giveWay, headerOf, urlOf, type UndiciRequest } from './undici-request.ts'

export type { CarryTarget }

/** Options of {@link carryRuns}, {@link carryingFetch} and {@link carryingInterceptor}. */
export interface CarryOptions extends PropagationOptions {
  /** The hosts that are meant. All others get nothing. */
  readonly to: CarryTarget
}

const optionNames: OptionNames<CarryOptions> = { to: true, trustKey: true, baggage: true }

/** Options that have been checked. */
interface Carry extends PropagationOptions {
  readonly isNamed: (url: URL) => boolean
}

const channel = 'undici:request:create'
const httpChannel = 'http.client.request.start'
const carryKey = createContextKey('runspan.carry')

// `suppressTracing` of @opentelemetry/core sets it; keys of contexts are registered symbols.
const suppressedKey = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/**
 * Makes `fetch` and undici carry the current run to the hosts that are named, without the official instrumentation:
 * `traceparent`, and `tracestate` with the `runspan` member. Outside a run nothing is added, and a request that has a
 * `traceparent` keeps it. Beside `@opentelemetry/instrumentation-undici`, in whichever order the two were started, its
 * headers win, so that the other service's part stands below its client span. A redirect to another host takes nothing
 * along.
 *
 * What the services answer of their parts is added to the run's totals: its root is complete where every part came
 * home. By naming the hosts that are services you say that all others are none.
 *
 * Requests of `node:http` get no headers from it, because Node 20 has no event early enough: `injectRun(request(url))`
 * writes them by hand, the HTTP instrumentation by itself. Their answers are heard all the same.
 *
 * @returns what stops it
 * @throws {@link RunspanError} `bad_configuration` where `to` or `trustKey` cannot be used, or there is no such option
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
  const carry = checkedCarry(options, 'carryRuns', optionNames)
  function onRequest(message: unknown): void {
    handle(message, carry)
  }
  function onHttpRequest(message: unknown): void {
    guardedly(() => expectOfHttp((message as { request: HttpRequest }).request, carry))
  }
  subscribe(channel, onRequest)
  subscribe(httpChannel, onHttpRequest)
  const uncover = cover((request) => isNamedHttp(request, carry))
  return () => {
    unsubscribe(channel, onRequest)
    unsubscribe(httpChannel, onHttpRequest)
    uncover()
  }
}

/**
 * A `fetch` that carries the current run to the hosts that are named, where {@link carryRuns} would do so for every
 * request of the process.
 *
 * @param options `fetch` is the one to use: Node's own, or undici's
 * @throws {@link RunspanError} `bad_configuration` where `to` or `trustKey` cannot be used, or there is no such option
 *
 * @example
 * ```ts
 * import { carryingFetch } from 'runspan/node'
 *
 * const fetchFromMesh = carryingFetch({ to: [/\.internal$/] })
 * console.log((await fetchFromMesh('http://search.internal/find')).status)
 * ```
 */
export function carryingFetch<F extends (...args: never[]) => unknown = typeof fetch>(
  options: CarryOptions & { readonly fetch?: F | undefined },
): F {
  const carry = checkedCarry(options, 'carryingFetch', { ...optionNames, fetch: true })
  listenForMarked()
  const send = (options.fetch ?? globalThis.fetch) as unknown as AnyFunction
  return function fetchWithRun(...args: unknown[]) {
    return context.with(marked(carry), send, undefined, ...args)
  } as unknown as F
}

type AnyFunction = (...args: unknown[]) => unknown
type Dispatch = (options: never, handler: never) => boolean

/**
 * An interceptor for undici's `dispatcher.compose`: what is dispatched through it carries the current run to the hosts
 * that are named.
 *
 * @throws {@link RunspanError} `bad_configuration` where `to` or `trustKey` cannot be used, or there is no such option
 *
 * @example
 * ```ts
 * import { carryingInterceptor } from 'runspan/node'
 * import { Agent, request } from 'undici'
 *
 * const dispatcher = new Agent().compose(carryingInterceptor({ to: ['search'] }))
 * const { statusCode } = await request('http://search/find', { dispatcher })
 * console.log(statusCode)
 * ```
 */
export function carryingInterceptor(options: CarryOptions): <D extends Dispatch>(dispatch: D) => D {
  const carry = checkedCarry(options, 'carryingInterceptor', optionNames)
  listenForMarked()
  return function runspanInterceptor<D extends Dispatch>(dispatch: D): D {
    return function dispatchWithRun(...args: unknown[]) {
      return context.with(marked(carry), dispatch as unknown as AnyFunction, undefined, ...args)
    } as unknown as D
  }
}

function checkedCarry<Options extends CarryOptions>(
  options: Options,
  where: string,
  names: OptionNames<Options>,
): Carry {
  if (typeof options === 'object') checkOptions(where, options, names)
  const isNamed = hostMatcher(options?.to, where)
  if (options.trustKey !== undefined) checkedTrustKey(options.trustKey, where)
  return { ...options, isNamed }
}

function marked(carry: Carry): Context {
  return context.active().setValue(carryKey, carry)
}

let isListening = false

/** Requests are made from the context of whoever asked for them: one listener serves every wrapper. */
function listenForMarked(): void {
  if (isListening) return
  isListening = true
  subscribe(channel, (message) => {
    const carry = context.active().getValue(carryKey) as Carry | undefined
    if (carry !== undefined) handle(message, carry)
  })
}

function handle(message: unknown, carry: Carry): void {
  guardedly(() => carryWith((message as { request: UndiciRequest }).request, carry))
}

function guardedly(work: () => void): void {
  try {
    work()
  } catch (error) {
    count('internalErrors', 'failed to carry a run with a request; it was sent as it was', error)
  }
}

/** What is read of a request of `node:http`. */
interface HttpRequest {
  readonly protocol?: unknown
  readonly path?: unknown
  getHeader?: (name: string) => unknown
}

/** Such a request has its headers already, by hand or from an instrumentation: what is left is to hear the answer. */
function expectOfHttp(request: HttpRequest, carry: Carry): void {
  const part = currentPart()
  const header = request.getHeader?.('traceparent')
  if (part === undefined || typeof header !== 'string' || !header.includes(part.runId)) return
  if (isNamedHttp(request, carry)) expectAnswer(request, part)
}

function isNamedHttp(request: HttpRequest, carry: Carry): boolean {
  const host = request.getHeader?.('host')
  if (typeof host !== 'string') return false
  const url = urlOf({ origin: `${String(request.protocol)}//${host}`, path: String(request.path) })
  return url !== undefined && carry.isNamed(url)
}

function carryWith(request: UndiciRequest, carry: Carry): void {
  const part = currentPart()
  if (part === undefined || request.method === 'CONNECT') return
  // An exporter that uses fetch runs in the context of whoever ended the first span of its batch.
  if (context.active().getValue(suppressedKey) === true) return
  const url = urlOf(request)
  if (url === undefined || !carry.isNamed(url)) return
  // Somebody's own context stays. Ours may be there by hand, or by an instrumentation that was started before.
  const there = headerOf(request, 'traceparent')
  if (there !== undefined && !there.includes(part.runId)) return
  expectAnswer(request, part)
  for (const [name, value] of Object.entries(headersOf(part, carry))) {
    if (name === 'baggage' || headerOf(request, name) === undefined) addHeader(request, name, value)
  }
  dropFirstOfTwo(request)
  giveWay(request)
}
