import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { deflateSync, gzipSync } from 'node:zlib'

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { SpanKind, SpanStatusCode, TraceFlags, createTraceState, trace, ROOT_CONTEXT, diag } from '@opentelemetry/api'
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect, it } from 'vitest'

import { RunspanError } from '../../src/errors.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { startReceiver, type Receiver, type ReceiverOptions } from '../../src/viewer/receiver/index.ts'

const traceId = '00f067aa0ba902b74bf92f3577b34da6'
const spanId = '00f067aa0ba902b7'

/** Containers often have no IPv6. */
const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

const started: Receiver[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((receiver) => receiver.close()))
  diag.disable()
})

/** A receiver with everything it was given. */
async function receiving(
  options: Partial<ReceiverOptions> = {},
): Promise<{ receiver: Receiver; spans: StoredSpan[]; url: string }> {
  const spans: StoredSpan[] = []
  const receiver = await startReceiver({ onSpans: (received) => void spans.push(...received), ...options })
  started.push(receiver)
  return { receiver, spans, url: `${receiver.url}/v1/traces` }
}

function post(url: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers: { 'content-type': 'application/json', ...headers },
  })
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer())
}

const ignore = (): void => undefined

/** A request with a value of `depth` lists inside each other. */
function nestedRequest(depth: number): string {
  const value = `${'{"arrayValue":{"values":['.repeat(depth)}{"intValue":1}${']}}'.repeat(depth)}`
  return `{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":${value}}]}}]}`
}

/** A request as it goes over a socket, without its body. */
function requestHead(length: number): string {
  return `POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
}

/** Something to wait for, and the way to let it happen. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let resolveIt: (() => void) | undefined
  const passed = new Promise<void>((resolve) => {
    resolveIt = resolve
  })
  return { passed, open: () => resolveIt?.() }
}

const protobufType = { 'content-type': 'application/x-protobuf' }

function requestOf(...spans: readonly object[]): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ scope: { name: 'test' }, spans }] }] })
}

/** A protobuf message of length-delimited fields. */
function message(...fields: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const writer = new BinaryWriter()
  for (const [number, bytes] of fields) writer.tag(number, WireType.LengthDelimited).bytes(bytes)
  return writer.finish()
}

function protobufRequestOf(...spans: readonly Uint8Array[]): Uint8Array {
  return message([1, message([2, message(...spans.map((span) => [2, span] as const))])])
}

const smallSpan = message([1, Buffer.from(traceId, 'hex')], [2, Buffer.from(spanId, 'hex')], [5, Buffer.from('small')])

describe('startReceiver, with the exporters of OpenTelemetry', () => {
  const variants: readonly (readonly [string, (url: string) => SpanExporter])[] = [
    ['JSON', (url) => new JsonExporter({ url })],
    ['JSON with gzip', (url) => new JsonExporter({ url, compression: CompressionAlgorithm.GZIP })],
    ['protobuf', (url) => new ProtobufExporter({ url })],
    ['protobuf with gzip', (url) => new ProtobufExporter({ url, compression: CompressionAlgorithm.GZIP })],
  ]

  it.each(variants)('takes everything a span can hold as %s', async (_, exporterFor) => {
    const { spans, url } = await receiving()
    const provider = new NodeTracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'search', 'process.pid': 4711 }),
      spanProcessors: [new BatchSpanProcessor(exporterFor(url))],
    })
    const tracer = provider.getTracer('receiver-test', '1.2.3')
    const remote = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true }
    const parent = { ...remote, traceState: createTraceState('runspan=4bf92f3577b34da6,vendor=x') }
    const linked = { ...remote, spanId: '0000000000000001', traceState: createTraceState('a=b') }
    const span = tracer.startSpan(
      'find · 日本',
      {
        kind: SpanKind.CONSUMER,
        startTime: [1_763_000_000, 123_456_789],
        attributes: {
          text: 'é',
          empty: '',
          int: 42,
          negative: -1,
          big: 9_007_199_254_740_991,
          double: 0.25,
          yes: true,
          no: false,
          texts: ['a', 'b'],
          ints: [1, 2],
          doubles: [0.5, 1.5],
          flags: [true, false],
          none: [],
        },
        links: [{ context: linked, attributes: { 'runspan.link.type': 'parent' } }],
      },
      trace.setSpanContext(ROOT_CONTEXT, parent),
    )
    span.addEvent('exception', { 'exception.type': 'TypeError' }, [1_763_000_000, 200_000_000])
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no luck' })
    span.end([1_763_000_001, 1])
    await provider.shutdown()

    expect(spans).toEqual([
      {
        traceId,
        spanId: span.spanContext().spanId,
        parentSpanId: spanId,
        traceState: 'runspan=4bf92f3577b34da6,vendor=x',
        flags: 0x301,
        name: 'find · 日本',
        kind: 'consumer',
        startUnixNano: 1_763_000_000_123_456_789n,
        endUnixNano: 1_763_000_001_000_000_001n,
        status: { code: 'error', message: 'no luck' },
        attributes: {
          text: 'é',
          empty: '',
          int: 42,
          negative: -1,
          big: 9_007_199_254_740_991,
          double: 0.25,
          yes: true,
          no: false,
          texts: ['a', 'b'],
          ints: [1, 2],
          doubles: [0.5, 1.5],
          flags: [true, false],
          none: [],
        },
        events: [
          {
            name: 'exception',
            timeUnixNano: 1_763_000_000_200_000_000n,
            attributes: { 'exception.type': 'TypeError' },
          },
        ],
        links: [
          {
            traceId,
            spanId: '0000000000000001',
            traceState: 'a=b',
            flags: 0x301,
            attributes: { 'runspan.link.type': 'parent' },
          },
        ],
        resource: { attributes: { 'service.name': 'search', 'process.pid': 4711 } },
        scope: { name: 'receiver-test', version: '1.2.3' },
      },
    ])
  })

  it('leaves out what a root span does not have', async () => {
    const { spans, url } = await receiving()
    const provider = new NodeTracerProvider({
      spanProcessors: [new BatchSpanProcessor(new ProtobufExporter({ url }))],
    })
    provider.getTracer('t').startSpan('root').end()
    await provider.shutdown()
    expect(spans).toHaveLength(1)
    expect(spans[0]).not.toHaveProperty('parentSpanId')
    expect(spans[0]).not.toHaveProperty('traceState')
    expect(spans[0]).toMatchObject({ kind: 'internal', status: { code: 'unset' }, events: [], links: [] })
  })

  it('makes an exporter send a batch again that onSpans could not take', async () => {
    const spans: StoredSpan[] = []
    let calls = 0
    const { url } = await receiving({
      onSpans(received) {
        if (++calls === 1) throw new Error('the disk is full')
        spans.push(...received)
      },
    })
    const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new JsonExporter({ url }))] })
    provider.getTracer('t').startSpan('survivor').end()
    await provider.shutdown()
    expect(spans.map(({ name }) => name)).toEqual(['survivor'])
    expect(calls).toBe(2)
  })
})

describe('startReceiver, answering', () => {
  it('answers 200 with an empty response in the encoding of the request', async () => {
    const { url } = await receiving()
    const asJson = await post(url, requestOf({ traceId, spanId }), {
      'content-type': 'application/json; charset=utf-8',
    })
    expect([asJson.status, asJson.headers.get('content-type'), await asJson.text()]).toEqual([
      200,
      'application/json',
      '{}',
    ])
    const asProtobuf = await post(url, protobufRequestOf(smallSpan), protobufType)
    expect([asProtobuf.status, asProtobuf.headers.get('content-type'), await asProtobuf.text()]).toEqual([
      200,
      'application/x-protobuf',
      '',
    ])
  })

  it('takes an empty request and gives onSpans nothing to do', async () => {
    let calls = 0
    const { url } = await receiving({ onSpans: () => void calls++ })
    expect((await post(url, '{}')).status).toBe(200)
    expect((await post(url, new Uint8Array(), protobufType)).status).toBe(200)
    expect(calls).toBe(0)
    expect((await post(url, requestOf({ traceId, spanId }))).status).toBe(200)
    expect(calls).toBe(1)
  })

  it('answers only after onSpans has the spans', async () => {
    let done = false
    const { url } = await receiving({
      async onSpans() {
        await new Promise((resolve) => setImmediate(resolve))
        done = true
      },
    })
    await post(url, requestOf({ traceId, spanId }))
    expect(done).toBe(true)
  })

  it.each([
    [
      'a throw',
      () => {
        throw new Error('no')
      },
    ],
    ['a rejection', () => Promise.reject(new Error('no'))],
  ])('answers %s of onSpans with 503, and says it once', async (_, onSpans) => {
    const said: unknown[][] = []
    diag.setLogger({ error: (...args) => said.push(args), warn: ignore, info: ignore, debug: ignore, verbose: ignore })
    const { url } = await receiving({ onSpans })
    const response = await post(url, requestOf({ traceId, spanId }))
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect(await response.json()).toEqual({ code: 14, message: 'The spans could not be taken. Try again later.' })
    await post(url, requestOf({ traceId, spanId }))
    expect(said).toEqual([[expect.stringContaining('onSpans of the receiver failed'), new Error('no')]])
  })

  it('leaves out spans without valid ids and says how many, instead of refusing the batch', async () => {
    const { url, spans } = await receiving()
    const bad = [{}, { traceId: '0'.repeat(32), spanId }, { traceId: 'zz', spanId }, { traceId, spanId: '123' }]
    const response = await post(url, requestOf({ traceId, spanId }, ...bad))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedSpans: '4', errorMessage: expect.stringContaining('valid trace id') },
    })
    expect(spans).toHaveLength(1)
    const asProtobuf = await post(url, protobufRequestOf(smallSpan, message([5, Buffer.from('no ids')])), protobufType)
    const { ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer')
    expect(ProtobufTraceSerializer.deserializeResponse(await bytesOf(asProtobuf))).toEqual({
      partialSuccess: { rejectedSpans: 1, errorMessage: expect.stringContaining('valid trace id') },
    })
    expect(spans).toHaveLength(2)
  })

  it.each([
    ['another path', '/v1/metrics', 'POST', 404, 5],
    ['the root', '/', 'POST', 404, 5],
    ['another method', '/v1/traces', 'PUT', 405, 12],
    ['a read', '/v1/traces', 'GET', 405, 12],
  ])('refuses %s', async (_, path, method, status, code) => {
    const { receiver } = await receiving()
    const response = await fetch(receiver.url + path, {
      method,
      ...(method === 'GET' ? {} : { body: '{}', headers: { 'content-type': 'application/json' } }),
    })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code })
    expect(response.headers.get('allow')).toBe(status === 405 ? 'POST' : null)
  })

  it('takes a query string for nothing', async () => {
    const { url } = await receiving()
    expect((await post(`${url}?token=1`, '{}')).status).toBe(200)
  })

  it('refuses what it cannot read with 415', async () => {
    const { url } = await receiving()
    expect((await post(url, '{}', { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post(url, '{}', { 'content-type': '' })).status).toBe(415)
    expect((await post(url, '{}', { 'content-encoding': 'snappy' })).status).toBe(415)
  })

  it('refuses a body that is no request with 400 and a google.rpc.Status', async () => {
    const { url } = await receiving()
    for (const body of ['', '[]', 'null', '{"resourceSpans":', '{"resourceSpans":[{"scopeSpans":7}]}', '\u0000']) {
      const response = await post(url, body)
      expect([body, response.status]).toEqual([body, 400])
      expect(await response.json()).toEqual({ code: 3, message: expect.stringContaining('OTLP request') })
    }
    const whole = protobufRequestOf(smallSpan)
    const response = await post(url, whole.subarray(0, -3), protobufType)
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/x-protobuf'])
    // google.rpc.Status: 1 code, 2 message.
    expect([...(await bytesOf(response)).subarray(0, 3)]).toEqual([0x08, 3, 0x12])
  })
})

describe('startReceiver, reading bodies', () => {
  it('decompresses gzip and deflate', async () => {
    const { url, spans } = await receiving()
    const body = requestOf({ traceId, spanId })
    expect((await post(url, gzipSync(body), { 'content-encoding': 'gzip' })).status).toBe(200)
    expect((await post(url, deflateSync(body), { 'content-encoding': 'deflate' })).status).toBe(200)
    expect((await post(url, body, { 'content-encoding': 'identity' })).status).toBe(200)
    expect(spans).toHaveLength(3)
  })

  it('takes a body in chunks of any size', async () => {
    const { url, spans } = await receiving()
    const bytes = Buffer.from(requestOf({ traceId, spanId, name: 'é' }))
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      duplex: 'half',
      body: new ReadableStream({
        start(controller) {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
          controller.close()
        },
      }),
    })
    expect(response.status).toBe(200)
    expect(spans.map(({ name }) => name)).toEqual(['é'])
  })

  it('refuses a gzip body that is cut off or is none with 400', async () => {
    const { url } = await receiving()
    const whole = gzipSync(requestOf({ traceId, spanId }))
    for (const body of [whole.subarray(0, -9), Buffer.from('{}'), Buffer.alloc(0)]) {
      expect((await post(url, body, { 'content-encoding': 'gzip' })).status).toBe(400)
    }
  })

  it('refuses more than maxBodyBytes with 413, and takes exactly as many', async () => {
    const body = requestOf({ traceId, spanId })
    const { url, spans } = await receiving({ maxBodyBytes: body.length })
    expect((await post(url, `${body} `)).status).toBe(413)
    expect(spans).toHaveLength(0)
    expect((await post(url, body)).status).toBe(200)
  })

  it('lets a client that sends far too much read the answer instead of a reset', async () => {
    const { url } = await receiving({ maxBodyBytes: 1_000 })
    const response = await post(url, Buffer.alloc(20_000_000, 0x20))
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 8, message: expect.stringContaining('1000 bytes') })
  })

  it('reads a refused body to its end, so that the connection can go on', async () => {
    const { receiver } = await receiving({ maxBodyBytes: 1_000 })
    const answers = await new Promise<string>((resolve, reject) => {
      let read = ''
      const socket = connect(Number(new URL(receiver.url).port), '127.0.0.1', () => {
        socket.write(requestHead(5_000_000) + ' '.repeat(5_000_000))
        socket.write(`${requestHead(2)}{}`)
      })
      socket.on('error', reject)
      socket.on('data', (chunk) => {
        read += String(chunk)
        if (read.includes('HTTP/1.1 200')) socket.end()
      })
      socket.on('close', () => resolve(read))
    })
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200'])
  })

  it('refuses a gzip bomb without unpacking it', async () => {
    const { url } = await receiving({ maxBodyBytes: 1_000_000 })
    const bomb = gzipSync(Buffer.alloc(200_000_000, 0x20))
    expect(bomb.length).toBeLessThan(1_000_000)
    const before = process.memoryUsage.rss()
    const response = await post(url, bomb, { 'content-encoding': 'gzip' })
    expect(response.status).toBe(413)
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000)
  })

  it('refuses bodies that would grow when decoded', async () => {
    const { url } = await receiving()
    const emptySpans = Buffer.alloc(2_000_002).fill(Uint8Array.of(0x12, 0))
    const empty = message([1, message([2, emptySpans])])
    expect((await post(url, gzipSync(empty), { ...protobufType, 'content-encoding': 'gzip' })).status).toBe(413)
    const objects = `{"resourceSpans":[${'{},'.repeat(4_000_000)}{}]}`
    expect((await post(url, gzipSync(objects), { 'content-encoding': 'gzip' })).status).toBe(413)
  })

  it('refuses values that are nested beyond reason', async () => {
    const { url } = await receiving()
    expect((await post(url, nestedRequest(64))).status).toBe(200)
    expect((await post(url, nestedRequest(65))).status).toBe(400)
    expect((await post(url, nestedRequest(100_000))).status).toBe(400)
    let value: Uint8Array = new Uint8Array()
    for (let depth = 0; depth < 5_000; depth++) value = message([5, message([1, value])])
    const bytes = message([1, message([1, message([1, message([2, value])])])])
    expect((await post(url, bytes, protobufType)).status).toBe(400)
  })

  it('answers 503 where requests in flight hold all the bytes there are', async () => {
    const body = requestOf({ traceId, spanId })
    const last = gate()
    const taken: (() => void)[] = []
    const { url } = await receiving({
      maxBodyBytes: body.length,
      onSpans() {
        taken.shift()?.()
        return last.passed
      },
    })
    const held: Promise<Response>[] = []
    for (let i = 0; i < 4; i++) {
      const delivered = gate()
      taken.push(delivered.open)
      held.push(post(url, body))
      await delivered.passed
    }
    expect((await post(url, body)).status).toBe(503)
    last.open()
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect((await post(url, body)).status).toBe(200)
  })

  it('survives a client that goes away in the middle of a body', async () => {
    const { receiver, url } = await receiving()
    const { port } = new URL(receiver.url)
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(
          'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
        )
        setImmediate(() => socket.destroy())
      })
      socket.on('close', () => resolve())
    })
    expect((await post(url, '{}')).status).toBe(200)
  })
})

describe('startReceiver, from start to close', () => {
  it('listens on loopback, on a port of its own', async () => {
    const first = await receiving()
    const second = await receiving()
    expect(first.receiver.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(first.receiver.url).not.toBe(second.receiver.url)
  })

  it.skipIf(!hasIpv6)('writes the address of an IPv6 host as a URL', async () => {
    const { receiver, url } = await receiving({ host: '::1' })
    expect(receiver.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect((await post(url, '{}')).status).toBe(200)
  })

  it('says what to do where the port is taken', async () => {
    const { receiver } = await receiving()
    const port = Number(new URL(receiver.url).port)
    const error = await startReceiver({ port, onSpans: () => undefined }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'bad_configuration', message: expect.stringContaining('EADDRINUSE') })
    expect(RunspanError.is(error)).toBe(true)
  })

  it.each([{ port: -1 }, { port: 65_536 }, { port: 1.5 }, { maxBodyBytes: 0 }, { maxBodyBytes: Number.NaN }])(
    'refuses %o at once',
    async (options) => {
      await expect(startReceiver({ onSpans: () => undefined, ...options })).rejects.toMatchObject({
        code: 'bad_configuration',
      })
    },
  )

  it('waits for the requests in flight when it closes, and closes once', async () => {
    const spans: StoredSpan[] = []
    const taken = gate()
    const finish = gate()
    const { receiver, url } = await receiving({
      async onSpans(received) {
        taken.open()
        await finish.passed
        spans.push(...received)
      },
    })
    const answer = post(url, requestOf({ traceId, spanId }))
    await taken.passed
    const closed = receiver.close()
    expect(receiver.close()).toBe(closed)
    finish.open()
    await closed
    expect(spans).toHaveLength(1)
    expect((await answer).status).toBe(200)
    await expect(post(url, '{}')).rejects.toThrow()
  })

  it('closes at once although clients keep their connections', async () => {
    const { receiver, url } = await receiving()
    await post(url, '{}')
    const before = performance.now()
    await receiver[Symbol.asyncDispose]()
    // The client would keep it for four seconds, the server for five.
    expect(performance.now() - before).toBeLessThan(3_000)
  })
})
