import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

import { serve } from '../support/serve.ts'

/** What an exporter sent. */
interface OtlpRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Names of the spans, where the body is JSON that nobody compressed. */
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

interface Value {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: number | string
  readonly doubleValue?: number
}
type Attributes = readonly { readonly key: string; readonly value: Value }[]
interface Body {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: Attributes }
    readonly scopeSpans?: readonly { readonly spans?: readonly { name: string; attributes?: Attributes }[] }[]
  }[]
}

function readRequest(path: string, headers: IncomingHttpHeaders, bytes: Buffer): OtlpRequest {
  const isJson = headers['content-type'] === 'application/json' && headers['content-encoding'] === undefined
  const body = isJson ? (JSON.parse(bytes.toString()) as Body) : {}
  const resources = body.resourceSpans ?? []
  const spans = resources
    .flatMap(({ scopeSpans }) => scopeSpans ?? [])
    .flatMap((scope) => scope.spans ?? [])
    .map(({ name, attributes }) => ({ name, attributes: plain(attributes) }))
  return {
    path,
    headers,
    spans,
    spanNames: spans.map(({ name }) => name),
    resource: plain(resources[0]?.resource?.attributes),
    byteLength: bytes.length,
  }
}

function plain(attributes: Attributes | undefined): Record<string, unknown> {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue),
    ]),
  )
}
