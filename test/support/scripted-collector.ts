import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

import { decodeProtobuf } from '../../src/viewer/receiver/decode-protobuf.ts'

/** A request that has arrived whole. */
export interface CollectedRequest {
  /** From 0, in the order of arrival. */
  readonly index: number
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly spanNames: readonly string[]
  /** After decompression. */
  readonly sizeBytes: number
  readonly body: Buffer
  /** As it came over the wire. */
  readonly sent: Buffer
  readonly remotePort: number
}

/**
 * What the collector does with a request.
 *
 * - a status: spans are kept with 200, else not. `rejected` spans of a 200 are thrown away: a partial success.
 * - `reset`: the connection is reset without an answer.
 * - `hang`: no answer ever comes.
 * - `close mid-body`: a 200 whose body breaks off; the spans are kept.
 */
export type Step =
  | number
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
      readonly rejected?: number
    }
  | 'reset'
  | 'hang'
  | 'close mid-body'

export type Script = (request: CollectedRequest) => Step | Promise<Step>

/** An OTLP/HTTP collector that does what a test says, over real connections. */
export class ScriptedCollector implements AsyncDisposable {
  script: Script
  readonly requests: CollectedRequest[] = []
  /** Names of the spans that were kept, each time they came. */
  readonly kept: string[] = []
  #server: Server | undefined
  #port = 0
  readonly #waiting: { readonly isMet: () => boolean; readonly resolve: () => void }[] = []

  constructor(script: Script) {
    this.script = script
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1/traces`
  }

  /** Listens, again on the same port where it has listened before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('error', () => undefined)
      request.on('end', () => {
        const sent = Buffer.concat(chunks)
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
        const collected: CollectedRequest = {
          index: this.requests.length,
          path: request.url ?? '',
          headers: request.headers,
          spanNames: namesIn(body, request.headers['content-type']),
          sizeBytes: body.byteLength,
          body,
          sent,
          remotePort: request.socket.remotePort ?? 0,
        }
        this.requests.push(collected)
        this.#changed()
        void this.#answer(collected, response)
      })
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Refuses connections from now on, and cuts those that are open. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  /** Resolves when that many requests have arrived, answered or not. */
  arrived(requests: number): Promise<void> {
    return this.#when(() => this.requests.length >= requests)
  }

  /** Resolves when that many spans were kept. */
  keptAtLeast(spans: number): Promise<void> {
    return this.#when(() => this.kept.length >= spans)
  }

  /** How many of these spans came once, more than once, and not at all. */
  tally(names: readonly string[]): { readonly delivered: number; readonly duplicated: number; readonly lost: number } {
    const counts = new Map<string, number>()
    for (const name of this.kept) counts.set(name, (counts.get(name) ?? 0) + 1)
    const delivered = names.filter((name) => counts.has(name)).length
    const duplicated = names.filter((name) => (counts.get(name) ?? 0) > 1).length
    return { delivered, duplicated, lost: names.length - delivered }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  async #answer(request: CollectedRequest, response: ServerResponse): Promise<void> {
    const step = await this.script(request)
    if (step === 'hang') return
    if (step === 'reset') {
      response.socket?.resetAndDestroy()
      return
    }
    const { status, headers = {}, body, rejected = 0 } = typeof step === 'object' ? step : { status: 200 }
    const actual = typeof step === 'number' ? step : status
    if (actual === 200) this.kept.push(...request.spanNames.slice(rejected))
    if (step === 'close mid-body') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
      response.write('{"partial')
      response.socket?.destroySoon()
    } else {
      const partial =
        rejected === 0
          ? '{}'
          : JSON.stringify({ partialSuccess: { rejectedSpans: String(rejected), errorMessage: 'not these' } })
      response.writeHead(actual, { 'content-type': 'application/json', ...headers })
      response.end(body ?? (actual === 200 ? partial : ''))
    }
    this.#changed()
  }

  #when(isMet: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ isMet, resolve })
      this.#changed()
    })
  }

  #changed(): void {
    for (const waiting of this.#waiting.splice(0)) {
      if (waiting.isMet()) waiting.resolve()
      else this.#waiting.push(waiting)
    }
  }
}

/** Starts a collector. @param script what it does with each request; everything is kept where it is left out */
export async function startCollector(script: Script = () => 200): Promise<ScriptedCollector> {
  const collector = new ScriptedCollector(script)
  await collector.start()
  return collector
}

interface JsonBody {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly { readonly spans?: readonly { readonly name: string }[] }[]
  }[]
}

function namesIn(body: Buffer, contentType: string | undefined): readonly string[] {
  if (contentType !== 'application/json') return decodeProtobuf(body).spans.map(({ name }) => name)
  const { resourceSpans = [] } = JSON.parse(body.toString()) as JsonBody
  return resourceSpans
    .flatMap(({ scopeSpans = [] }) => scopeSpans)
    .flatMap(({ spans = [] }) => spans)
    .map(({ name }) => name)
}
