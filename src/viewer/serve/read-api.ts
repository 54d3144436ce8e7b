import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { diag } from '@opentelemetry/api'

import { RunspanError, type RunspanErrorCode } from '../../errors.ts'
import { VERSION } from '../../internal/version.ts'
import { fromFilterParams } from '../../query/run-filter-params.ts'
import { runJsonVersion, toRunJson } from '../../query/run-json.ts'
import type { StoredSpan } from '../../query/stored-span.ts'
import type { RunReader } from '../../query/run-reader.ts'

/** What a path answers; `undefined` is not there. */
type Answer = (reader: RunReader, params: URLSearchParams, id: string) => Promise<unknown>

/** Paths below `/api/v1`; `:id` is a run id or a conversation id. */
const answers: readonly (readonly [path: RegExp, answer: Answer])[] = [
  [/^\/runs$/, (reader, params) => reader.listRuns(fromFilterParams(params), pageOf(params))],
  [/^\/runs\/([^/]+)$/, (reader, params, id) => reader.getRun(id, { maxSpans: numberAt(params, 'maxSpans') })],
  [/^\/runs\/([^/]+)\/children$/, (reader, params, id) => reader.children(id, pageOf(params))],
  [/^\/runs\/([^/]+)\/parent$/, (reader, _, id) => reader.parent(id)],
  [/^\/runs\/([^/]+)\/family$/, (reader, params, id) => reader.family(id, { maxRuns: numberAt(params, 'maxRuns') })],
  [/^\/runs\/([^/]+)\/reviews$/, (reader, _, id) => reader.reviews(id)],
  [/^\/threads$/, (reader, params) => reader.listThreads(threadFilterOf(params), pageOf(params))],
  [/^\/threads\/([^/]+)$/, (reader, params, id) => reader.thread(id, threadOptionsOf(params))],
]
const spansPath = /^\/runs\/([^/]+)\/spans$/

/** Where the API stands. Its number goes up with the form of its answers. */
export const apiPath = `/api/v${runJsonVersion}`

const statusOf: Partial<Record<RunspanErrorCode, number>> = { bad_request: 400, store_unavailable: 503 }

/** Answers one request for runs: JSON, and 404 for what is not there. */
export async function answerRead(
  request: IncomingMessage,
  response: ServerResponse,
  readerOf: (tenant: string) => RunReader,
): Promise<void> {
  request.resume()
  try {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    if (request.method !== 'GET' || !`${pathname}/`.startsWith(`${apiPath}/`))
      return sendError(response, 404, 'not_found', 'There is nothing here.')
    const path = pathname.slice(apiPath.length)
    if (path === '' || path === '/') return send(response, 200, { runspan: VERSION, version: runJsonVersion })
    const tenant = request.headers['x-scope-orgid']
    const reader = readerOf(typeof tenant === 'string' ? tenant : '')
    const spansOf = spansPath.exec(path)?.[1]
    if (spansOf !== undefined) return await sendSpans(response, reader, decodeURIComponent(spansOf))
    for (const [pattern, answer] of answers) {
      const match = pattern.exec(path)
      if (match === null) continue
      const found = await answer(reader, searchParams, decodeURIComponent(match[1] ?? ''))
      return found === undefined
        ? sendError(response, 404, 'not_found', 'There is no such thing, or not yet.')
        : send(response, 200, found)
    }
    sendError(response, 404, 'not_found', 'There is nothing here.')
  } catch (error) {
    if (response.headersSent) response.destroy()
    else if (RunspanError.is(error)) sendError(response, statusOf[error.code] ?? 500, error.code, error.message)
    else if (error instanceof URIError) sendError(response, 400, 'bad_request', 'The path is damaged.')
    else {
      diag.error('runspan: failed to answer a read', error)
      sendError(response, 500, 'internal', 'The server failed to answer.')
    }
  }
}

/** One span per line, as fast as the client takes them. */
async function sendSpans(response: ServerResponse, reader: RunReader, runId: string): Promise<void> {
  const spans = reader.iterateSpans(runId, { pageSize: 1_000, maxPages: Number.POSITIVE_INFINITY })
  const iterator = spans[Symbol.asyncIterator]()
  // Errors of the first page still find a status to go with.
  const first = await iterator.next()
  response.writeHead(200, { 'content-type': 'application/x-ndjson', ...safety })
  await pipeline(Readable.from(linesOf(first, iterator)), response)
}

async function* linesOf(
  first: IteratorResult<StoredSpan>,
  rest: AsyncIterator<StoredSpan>,
): AsyncGenerator<string, void, undefined> {
  for (let next = first; next.done !== true; next = await rest.next()) {
    yield `${JSON.stringify(toRunJson(next.value))}\n`
  }
}

/** No page of another site may read this, or guess what it is. */
const safety = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }

function send(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(toRunJson(value)))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...safety })
  response.end(body)
}

function sendError(response: ServerResponse, status: number, code: string, message: string): void {
  send(response, status, { error: { code, message } })
}

function pageOf(params: URLSearchParams): { offset: number | undefined; limit: number | undefined } {
  return { offset: numberAt(params, 'offset'), limit: numberAt(params, 'limit') }
}

function threadFilterOf(params: URLSearchParams): Parameters<RunReader['listThreads']>[0] {
  return {
    agent: params.get('agent') ?? undefined,
    userId: params.get('userId') ?? undefined,
    idleLongerThanMillis: numberAt(params, 'idleLongerThanMillis'),
    asOfUnixMillis: numberAt(params, 'asOfUnixMillis'),
  }
}

function threadOptionsOf(params: URLSearchParams): Parameters<RunReader['thread']>[1] {
  return {
    agent: params.get('agent') ?? undefined,
    maxRuns: numberAt(params, 'maxRuns'),
    maxSpansPerRun: numberAt(params, 'maxSpansPerRun'),
  }
}

function numberAt(params: URLSearchParams, key: string): number | undefined {
  const text = params.get(key)
  if (text === null) return undefined
  const number = Number(text)
  if (text !== '' && Number.isFinite(number)) return number
  throw new RunspanError('bad_request', `Failed to read: ${key} cannot be ${JSON.stringify(text)}. Use a number.`)
}
