/**
 * A model server on this machine that speaks OpenAI's, Anthropic's and Gemini's HTTP APIs, bills every request, and shows its books.
 *
 * Requests in, scripted answers with true usage out; `GET /ledger` says what was billed, per request. The demo runs it
 * in process, people run it with `node examples/model-server/server.ts`.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import { chatCompletions } from './chat-completions.ts'
import { renderAnswer, renderPrompt } from './conversation.ts'
import { openAiError } from './dialect.ts'
import type { Dialect, Exchange, ModelRequest, Usage } from './dialect.ts'
import { embed } from './embeddings.ts'
import { generateContent } from './generate-content.ts'
import type { LedgerEntry } from './ledger.ts'
import { MarkedCache } from './marked-cache.ts'
import { messages } from './messages.ts'
import { PromptCache } from './prompt-cache.ts'
import { responses } from './responses.ts'
import { answerConversation } from './scripted-model.ts'
import { tokenize } from './tokenize.ts'

export interface ModelServerOptions {
  /** @defaultValue 0: any free port */
  readonly port?: number | undefined
  /**
   * How long the first token takes, in milliseconds.
   *
   * @defaultValue 60
   */
  readonly latencyMillis?: number | undefined
  /**
   * How long each further event of a stream takes, in milliseconds.
   *
   * @defaultValue 15
   */
  readonly eventMillis?: number | undefined
  /**
   * Prompts shorter than this are not cached, in tokens.
   *
   * @defaultValue 1024, as OpenAI has it
   */
  readonly cacheMinimumTokens?: number | undefined
  /**
   * Which requests are refused, and with which status: a bad day to test with. Called once per request, with its
   * number from 1; a refused request costs nothing and is in no books.
   */
  readonly refuse?: ((request: number) => number | undefined) | undefined
  /**
   * Streams stop after so many events until the caller hangs up, for half a second at most: so that it is the same each
   * time what a caller who hangs up was sent.
   */
  readonly stallAfterEvents?: number | undefined
}

export interface ModelServer {
  /** What clients take as `OPENAI_BASE_URL`. */
  readonly baseUrl: string
  /** What was billed so far, in the order in which it was answered. */
  readonly ledger: readonly LedgerEntry[]
  /** Resolves once nobody is being answered, so that the books are complete. */
  settled(): Promise<void>
  close(): Promise<void>
}

const models = ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'o4-mini', 'text-embedding-3-small']

const dialects: Readonly<Record<string, Dialect>> = {
  '/v1/chat/completions': chatCompletions,
  '/v1/responses': responses,
  '/v1/messages': messages,
}

/** What a request for embeddings is billed beside its input. */
const embedding = {
  stream: false,
  status: 'completed',
  cachedInputTokens: 0,
  cacheWriteInputTokens: 0,
  cacheWriteHourInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
  toolCalls: 0,
  usageSent: true,
} as const

/** Request ids come back in `x-request-id`. */
type Call = Pick<LedgerEntry, 'requestId' | 'endpoint' | 'runId' | 'project'>

/** Starts the server on the loopback interface. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const { port = 0, latencyMillis = 60, eventMillis = 15, cacheMinimumTokens, refuse, stallAfterEvents } = options
  const cache = new PromptCache({ minimumTokens: cacheMinimumTokens })
  const markedCache = new MarkedCache(cacheMinimumTokens)
  const ledger: LedgerEntry[] = []
  let requests = 0

  function billPrompt({
    conversation,
    markedPrompt,
  }: ModelRequest): Omit<Usage, 'outputTokens' | 'reasoningOutputTokens'> {
    if (markedPrompt === undefined) {
      const prompt = tokenize(renderPrompt(conversation))
      const cachedInputTokens = cache.take(conversation.model, prompt)
      return { inputTokens: prompt.length, cachedInputTokens, cacheWriteInputTokens: 0, cacheWriteHourInputTokens: 0 }
    }
    const billed = markedCache.take(conversation.model, markedPrompt, (text) => tokenize(text).length)
    return {
      inputTokens: billed.tokens,
      cachedInputTokens: billed.read,
      cacheWriteInputTokens: billed.written,
      cacheWriteHourInputTokens: billed.writtenForAnHour,
    }
  }

  async function answer(dialect: Dialect, request: ModelRequest, call: Call, response: ServerResponse): Promise<void> {
    const { conversation } = request
    const reply = answerConversation(conversation)
    const reasoningOutputTokens = tokenize(reply.reasoning).length
    const usage: Usage = {
      ...billPrompt(request),
      outputTokens: tokenize(renderAnswer(reply)).length + reasoningOutputTokens,
      reasoningOutputTokens,
    }
    const exchange: Exchange = {
      requestId: call.requestId,
      createdSeconds: Math.floor(Date.now() / 1000),
      request,
      answer: reply,
      toolCalls: reply.toolCalls.map((toolCall) => ({ id: `call_${randomUUID().replaceAll('-', '')}`, ...toolCall })),
      usage,
    }
    const bill = (status: LedgerEntry['status'], outputTokens: number, usageSent: boolean) => {
      const { model } = conversation
      const { stream } = request
      const asked = { model, stream, toolCalls: reply.toolCalls.length }
      ledger.push({ ...call, ...asked, ...usage, status, outputTokens, usageSent })
    }

    await sleep(latencyMillis)
    if (!request.stream) {
      bill('completed', usage.outputTokens, true)
      sendJson(response, 200, dialect.respond(exchange))
      return
    }
    let sent = ''
    let usageSent = false
    let events = 0
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': call.requestId })
    for (const { event, data, output = '', tellsUsage = false } of dialect.stream(exchange)) {
      await (events === stallAfterEvents ? hangUp(response, 500) : sleep(eventMillis))
      events++
      if (response.destroyed) {
        bill('aborted', tokenize(sent).length + reasoningOutputTokens, usageSent)
        return
      }
      sent += output
      usageSent ||= tellsUsage
      const name = event === undefined ? '' : `event: ${event}\n`
      response.write(`${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    }
    bill('completed', usage.outputTokens, usageSent)
    response.end()
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const { pathname } = url
    const route = `${request.method} ${pathname}`
    if (route === 'GET /ledger') return sendJson(response, 200, { entries: ledger })
    if (route === 'GET /v1/models') {
      return sendJson(response, 200, { object: 'list', data: models.map((id) => ({ id, object: 'model' })) })
    }
    const dialect = request.method === 'POST' ? dialectOf(pathname) : undefined
    if (dialect === undefined && route !== 'POST /v1/embeddings') {
      return sendJson(response, 404, openAiError(404, `There is no ${route} here.`))
    }
    const refusal = dialect?.refuse ?? openAiError
    if (!isAuthenticated(request, url)) {
      return sendJson(response, 401, refusal(401, 'Missing authentication. Set the API key to any value.'))
    }
    requests++
    const status = refuse?.(requests)
    if (status !== undefined) {
      // Clients try again at once, not in half a second.
      response.setHeader('retry-after-ms', '1')
      return sendJson(response, status, refusal(status, 'The server has a bad day.'))
    }
    const call: Call = {
      requestId: randomUUID().replaceAll('-', ''),
      endpoint: pathname,
      runId: headerOf(request, 'x-run-id') ?? traceIdOf(headerOf(request, 'traceparent')),
      project: headerOf(request, 'openai-project'),
    }
    response.setHeader('x-request-id', call.requestId)
    try {
      const body = await json(request)
      if (dialect !== undefined) return await answer(dialect, dialect.read(body, url), call, response)
      const { model, inputTokens, response: embeddings } = embed(body)
      await sleep(latencyMillis / 2)
      ledger.push({ ...call, ...embedding, model, inputTokens })
      return sendJson(response, 200, embeddings)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else sendJson(response, 400, refusal(400, error instanceof Error ? error.message : String(error)))
    }
  }

  const answering = new Set<Promise<void>>()
  // Longer than a busy machine takes to notice that a connection has gone: a request on one would be lost.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const answered = serve(request, response).catch(() => void response.destroy())
    answering.add(answered)
    void answered.then(() => answering.delete(answered))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  const listeningPort = typeof address === 'object' && address !== null ? address.port : port
  return {
    baseUrl: `http://127.0.0.1:${listeningPort}/v1`,
    ledger,
    async settled() {
      while (answering.size > 0) await Promise.all(answering)
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Resolves when the caller hangs up, and after some time where it does not. */
async function hangUp(response: ServerResponse, timeoutMillis: number): Promise<void> {
  const done = new AbortController()
  const { signal } = done
  await Promise.race([once(response, 'close', { signal }), sleep(timeoutMillis, undefined, { signal })])
  done.abort()
}

function dialectOf(path: string): Dialect | undefined {
  return path.startsWith('/v1beta/models/') ? generateContent : dialects[path]
}

function isAuthenticated({ headers }: IncomingMessage, url: URL): boolean {
  if (headers['x-api-key'] !== undefined || headers['x-goog-api-key'] !== undefined) return true
  return headers.authorization?.startsWith('Bearer ') === true || url.searchParams.has('key')
}

function traceIdOf(traceparent: string | undefined): string | undefined {
  return /^[\da-f]{2}-([\da-f]{32})-/.exec(traceparent ?? '')?.[1]
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

if (import.meta.main) {
  const server = await startModelServer({ port: Number(process.env['PORT'] ?? 8787) })
  console.log(`Model server: OPENAI_BASE_URL=${server.baseUrl}, books at ${new URL('/ledger', server.baseUrl).href}`)
  const stop = () => void server.close()
  process.once('SIGINT', stop).once('SIGTERM', stop)
}
