import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

import { diag } from '@opentelemetry/api'

import type { StoredSpan } from '../../query/stored-span.ts'
import { type Encoding, type Signal, encodingOf, json } from './encoding.ts'
import { drain, readBody, type BodyLimits } from './read-body.ts'
import { Refusal, refusalOf } from './refusal.ts'

/** What takes the spans of a request. `headers` are the request's own, with lower-case names. */
export type SpanSink = (spans: readonly StoredSpan[], headers: IncomingHttpHeaders) => void | Promise<void>

/** Seconds after which an exporter may try again what could not be taken. */
const retryAfterSeconds = '1'

/**
 * Answers one request as OTLP/HTTP says: in the request's own encoding, 200 once the sink has the spans, and anything
 * else with a `google.rpc.Status`. Only 503 makes an exporter try again.
 */
export async function answerExport(
  request: IncomingMessage,
  response: ServerResponse,
  limits: BodyLimits,
  sink: SpanSink,
): Promise<void> {
  let encoding: Encoding = json
  try {
    const signal = checkedSignal(request)
    encoding = encodingOf(request.headers['content-type'])
    const rejectedCount = await takeSpans(request, signal, encoding, limits, sink)
    send(response, 200, encoding.contentType, encoding.encodeResponse(signal, rejectedCount))
  } catch (error) {
    await drain(request)
    const known = refusalOf(error)
    const refusal = known instanceof Refusal ? known : bug(error)
    if (refusal.httpStatus === 405) response.setHeader('allow', 'POST')
    if (refusal.httpStatus === 503) response.setHeader('retry-after', retryAfterSeconds)
    send(response, refusal.httpStatus, encoding.contentType, encoding.encodeStatus(refusal.rpcCode, refusal.message))
  }
}

/** What nobody thought of: the batch is lost, because sending it again would fail again. */
function bug(error: unknown): Refusal {
  diag.error('runspan: the receiver failed to read a request', error)
  return new Refusal(500, 'The receiver failed to read the request.', { cause: error })
}

const signals: Readonly<Record<string, Signal>> = { '/v1/traces': 'traces', '/v1/logs': 'logs' }

function signalOf(request: IncomingMessage): Signal | undefined {
  const path = request.url?.split('?', 1)[0] ?? ''
  return Object.hasOwn(signals, path) ? signals[path] : undefined
}

/** Whether a request is for a path that exporters send to. */
export function isExport(request: IncomingMessage): boolean {
  return signalOf(request) !== undefined
}

function checkedSignal(request: IncomingMessage): Signal {
  const signal = signalOf(request)
  if (signal === undefined) throw new Refusal(404, `Only ${Object.keys(signals).join(' and ')} are here.`)
  if (request.method !== 'POST') throw new Refusal(405, 'Use POST.')
  return signal
}

async function takeSpans(
  request: IncomingMessage,
  signal: Signal,
  encoding: Encoding,
  limits: BodyLimits,
  sink: SpanSink,
): Promise<number> {
  const body = await readBody(request, limits)
  try {
    const { spans, rejectedCount } = encoding.decode[signal](body.bytes)
    if (spans.length > 0) await sink(spans, request.headers)
    return rejectedCount
  } finally {
    body.release()
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: Uint8Array): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': body.length })
  response.end(body)
}
