import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'

import { context } from '@opentelemetry/api'

import { VERSION } from '../../internal/version.ts'
import { shared } from '../../run/shared.ts'
import type { TlsOptions } from './delivery-options.ts'
import type { DestinationSettings } from './destination-settings.ts'
import { suppressedContext } from './suppressed-context.ts'
import type { Answer, Transport } from './transport.ts'

const compress = promisify(gzip)

/** The specification lets a client refuse to read more of an answer. */
const maxAnswerBytes = 4 * 1024 * 1024

/** The headers of every request to a destination, but for the length. */
export function requestHeaders(settings: DestinationSettings): Readonly<Record<string, string>> {
  return {
    'user-agent': `Runspan-OTLP-Exporter-JavaScript/${VERSION}`,
    'content-type': settings.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    ...(settings.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
    ...settings.headers,
  }
}

/** OTLP/HTTP over `node:http` and `node:https`, with connections that are kept. */
export class HttpTransport implements Transport {
  readonly #url: URL
  readonly #settings: DestinationSettings
  readonly #agent: HttpAgent
  readonly #headers: Readonly<Record<string, string>>

  constructor(settings: DestinationSettings) {
    this.#url = new URL(settings.url)
    this.#settings = settings
    const agentOptions = { keepAlive: true, maxSockets: settings.maxConcurrentRequests }
    this.#agent =
      this.#url.protocol === 'https:'
        ? new HttpsAgent({ ...agentOptions, ...pemOf(settings.tls) })
        : new HttpAgent(agentOptions)
    this.#headers = requestHeaders(settings)
  }

  async send(body: Uint8Array): Promise<Answer> {
    try {
      // In the thread pool. The lowest level: higher ones cost twice the time for a tenth of the size.
      const bytes =
        this.#settings.compression === 'gzip' ? await compress(body, { level: constants.Z_BEST_SPEED }) : body
      const first = await this.#attempt(bytes)
      // The server gave an idle connection up at the moment we used it, and has read nothing: that is no failure.
      return first === 'stale' ? lostUnlessAnswered(await this.#attempt(bytes)) : first
    } catch (error) {
      return { kind: 'lost', reason: reasonOf(error) }
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #attempt(body: Uint8Array): Promise<Answer | 'stale'> {
    return new Promise((resolve) => {
      let answer: Answer | undefined
      const request = context.with(suppressedContext, () => this.#request(body))
      const { timeoutMillis } = this.#settings
      const countdown = shared().clock.after(timeoutMillis, () =>
        request.destroy(new Error(`no answer within ${timeoutMillis} ms`)),
      )
      const finish = (result: Answer | 'stale'): void => {
        countdown.stop()
        resolve(result)
      }
      request.on('response', (response) => {
        readAnswer(response, (read) => {
          answer = read
          finish(read)
        })
      })
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (answer !== undefined) return
        const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
        finish(isStale ? 'stale' : { kind: 'lost', reason: reasonOf(error) })
      })
      request.end(body)
    })
  }

  #request(body: Uint8Array): ClientRequest {
    const options = {
      method: 'POST',
      agent: this.#agent,
      headers: { ...this.#headers, 'content-length': String(body.byteLength) },
    }
    return this.#url.protocol === 'https:' ? httpsRequest(this.#url, options) : httpRequest(this.#url, options)
  }
}

/** The certificates as Node's types want them. */
export function pemOf(tls: TlsOptions): Readonly<Record<string, string | Buffer>> {
  const pem: Record<string, string | Buffer> = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = tls[name]
    if (value !== undefined) pem[name] = typeof value === 'string' ? value : Buffer.from(value)
  }
  return pem
}

/**
 * Reads an answer to its end, or to where it breaks off: the status line alone says whether the spans were taken, and
 * sending them again because of a lost body would only double them.
 */
function readAnswer(response: IncomingMessage, finish: (answer: Answer) => void): void {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  response.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.byteLength
    if (sizeBytes <= maxAnswerBytes) chunks.push(chunk)
    else response.destroy()
  })
  response.on('error', () => undefined)
  response.on('close', () =>
    finish({
      kind: 'answered',
      status: response.statusCode ?? 0,
      retryAfter: response.headers['retry-after'],
      location: response.headers.location,
      body: Buffer.concat(chunks),
    }),
  )
}

function lostUnlessAnswered(answer: Answer | 'stale'): Answer {
  return answer === 'stale' ? { kind: 'lost', reason: 'the connection was closed twice' } : answer
}

/** What happened, with the code where the message does not have it: an AggregateError has no message at all. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  if (error.message === '') return code ?? error.name
  return code === undefined || error.message.includes(code) ? error.message : `${code}: ${error.message}`
}
