import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'

import { decodeJson } from '../../src/query/otlp/decode-json.ts'
import { decodeProtobuf } from '../../src/viewer/receiver/decode-protobuf.ts'
import { serve } from '../support/serve.ts'

/** What an exporter sent. */
interface OtlpRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly spanNames: readonly string[]
  /** Every span with its attributes as plain values. */
  readonly spans: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[]
  readonly resource: Readonly<Record<string, unknown>>
  readonly byteLength: number
}

/** An OTLP endpoint that remembers requests, with their headers, and answers as it is told. */
export interface OtlpRequests extends AsyncDisposable {
  readonly url: string
  readonly all: readonly OtlpRequest[]
  /** Names of all spans that were answered with 200. */
  readonly spanNames: readonly string[]
  /** Resolves when that many requests have arrived, answered or not. */
  arrived(requests: number): Promise<void>
}

/** An answer: a status, given at once or when a promise resolves. */
export type Answer = (index: number) => number | Promise<number>

/** Starts the endpoint. @param answer the status of each request by its number, from 0 */
export async function recordRequests(answer: Answer = () => 200): Promise<OtlpRequests> {
  const all: OtlpRequest[] = []
  const taken: string[] = []
  const waiting: { readonly requests: number; readonly resolve: () => void }[] = []
  let arrivals = 0
  async function finish(index: number, read: OtlpRequest, response: ServerResponse): Promise<void> {
    const status = await answer(index)
    if (status === 200) taken.push(...read.spanNames)
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
  }
  const served = await serve((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const index = arrivals++
      const read = readRequest(request.url ?? '', request.headers, Buffer.concat(chunks))
      all.push(read)
      for (const { requests, resolve } of waiting) if (arrivals >= requests) resolve()
      void finish(index, read, response)
    })
  })
  return {
    url: served.url,
    all,
    spanNames: taken,
    arrived: (requests) =>
      new Promise((resolve) => {
        if (arrivals >= requests) resolve()
        else waiting.push({ requests, resolve })
      }),
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  }
}

function readRequest(path: string, headers: IncomingHttpHeaders, bytes: Buffer): OtlpRequest {
  const body = headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
  const isJson = headers['content-type'] === 'application/json'
  const { spans } = isJson ? decodeJson(body) : decodeProtobuf(body)
  return {
    path,
    headers,
    spans: spans.map(({ name, attributes }) => ({ name, attributes })),
    spanNames: spans.map(({ name }) => name),
    resource: spans[0]?.resource.attributes ?? {},
    byteLength: bytes.length,
  }
}
