/**
 * A model server on this machine that speaks OpenAI's HTTP API, bills every request, and shows its books.
 *
 * Requests in, scripted answers with true usage out; `GET /ledger` says what was billed, per request. The demo runs it
 * in process, people run it with `node examples/model-server/server.ts`.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import { chatCompletions } from './chat-completions.ts'
import { renderAnswer, renderPrompt } from './conversation.ts'
import type { Dialect, Exchange } from './dialect.ts'
import { embed } from './embeddings.ts'
import type { LedgerEntry } from './ledger.ts'
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
}

export interface ModelServer {
  /** What clients take as `OPENAI_BASE_URL`. */
  readonly baseUrl: string
  /** What was billed so far, in the order in which it was answered. */
  readonly ledger: readonly LedgerEntry[]
  close(): Promise<void>
}

const models = ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano', 'o4-mini', 'text-embedding-3-small']

/** Request ids come back in `x-request-id`. */
type Call = Pick<LedgerEntry, 'requestId' | 'endpoint' | 'runId' | 'project'>

/** Starts the server on the loopback interface. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const { port = 0, latencyMillis = 60, eventMillis = 15, cacheMinimumTokens } = options
  const cache = new PromptCache({ minimumTokens: cacheMinimumTokens })
  const ledger: LedgerEntry[] = []

  async function answer(dialect: Dialect, body: unknown, call: Call, response: ServerResponse): Promise<void> {
    const request = dialect.read(body)
    const { conversation } = request
    const reply = answerConversation(conversation)
    const prompt = tokenize(renderPrompt(conversation))
    const reasoningOutputTokens = tokenize(reply.reasoning).length
    const usage = {
      inputTokens: prompt.length,
      cachedInputTokens: cache.take(conversation.model, prompt),
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
    const bill = (status: LedgerEntry['status'], outputTokens: number) =>
      ledger.push({ ...call, ...usage, model: conversation.model, stream: request.stream, status, outputTokens })

    await sleep(latencyMillis)
    if (!request.stream) {
      bill('completed', usage.outputTokens)
      sendJson(response, 200, dialect.respond(exchange))
      return
    }
    let sent = ''
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': call.requestId })
    for (const { event, data, output = '' } of dialect.stream(exchange)) {
      await sleep(eventMillis)
      if (response.destroyed) {
        bill('aborted', tokenize(sent).length + reasoningOutputTokens)
        return
      }
      sent += output
      const name = event === undefined ? '' : `event: ${event}\n`
      response.write(`${name}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`)
    }
    bill('completed', usage.outputTokens)
    response.end()
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const route = `${request.method} ${path}`
    if (route === 'GET /ledger') return sendJson(response, 200, { entries: ledger })
    if (route === 'GET /v1/models') {
      return sendJson(response, 200, { object: 'list', data: models.map((id) => ({ id, object: 'model' })) })
    }
    if (!request.headers.authorization?.startsWith('Bearer ')) {
      return sendError(response, 401, 'Missing bearer authentication. Set OPENAI_API_KEY to any value.')
    }
    const call: Call = {
      requestId: randomUUID().replaceAll('-', ''),
      endpoint: path,
      runId: headerOf(request, 'x-run-id') ?? traceIdOf(headerOf(request, 'traceparent')),
      project: headerOf(request, 'openai-project'),
    }
    response.setHeader('x-request-id', call.requestId)
    switch (route) {
      case 'POST /v1/chat/completions':
        return answer(chatCompletions, await json(request), call, response)
      case 'POST /v1/responses':
        return answer(responses, await json(request), call, response)
      case 'POST /v1/embeddings': {
        const { model, inputTokens, response: embeddings } = embed(await json(request))
        await sleep(latencyMillis / 2)
        const nothing = { cachedInputTokens: 0, outputTokens: 0, reasoningOutputTokens: 0 }
        ledger.push({ ...call, ...nothing, model, stream: false, status: 'completed', inputTokens })
        return sendJson(response, 200, embeddings)
      }
      default:
        return sendError(response, 404, `There is no ${route} here.`)
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else sendError(response, 400, error instanceof Error ? error.message : String(error))
    })
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
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
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

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { message, type: 'invalid_request_error', param: null, code: null } })
}

if (import.meta.main) {
  const server = await startModelServer({ port: Number(process.env['PORT'] ?? 8787) })
  console.log(`Model server: OPENAI_BASE_URL=${server.baseUrl}, books at ${new URL('/ledger', server.baseUrl).href}`)
  const stop = () => void server.close()
  process.once('SIGINT', stop).once('SIGTERM', stop)
}
