import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'

import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { newRunId, type Trust } from '../../../src/index.ts'
import { countsFromNow } from '../../support/counts.ts'
import { type OtlpSink, startOtlpSink } from '../../support/otlp-sink.ts'
import { type RecordedSpans, recordSpans } from '../../support/record-spans.ts'
import { spawnProcess } from '../../support/spawn-process.ts'
import { expectTrace, kind, links, type Shown } from '../../support/trace-text.ts'
import { apps, serveApp } from './apps.ts'
import { signs } from './routes.ts'

const shown: Shown = { kind, segment: 'runspan.segment', in: 'runspan.usage.input_tokens', links }

/** The headers of a run that another process has open. */
function remoteRun(runId: string = newRunId()): Record<string, string> {
  return { traceparent: `00-${runId}-00f067aa0ba902b7-01`, tracestate: `dd=s:1,runspan=${runId.slice(16)}` }
}

function runIdOf(headers: Record<string, string>): string {
  return headers['traceparent']!.slice(3, 35)
}

/** Hands out segments in the order in which they end: a response ends after its client has read it. */
class Segments implements SpanProcessor {
  readonly #ended: ReadableSpan[] = []
  #onEnded: (() => void) | undefined

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (span.attributes['runspan.segment'] !== true) return
    this.#ended.push(span)
    this.#onEnded?.()
  }

  async next(): Promise<ReadableSpan> {
    while (this.#ended.length === 0) await new Promise<void>((resolve) => (this.#onEnded = resolve))
    return this.#ended.shift()!
  }

  get isEmpty(): boolean {
    return this.#ended.length === 0
  }

  forceFlush(): Promise<void> {
    return Promise.resolve()
  }

  shutdown(): Promise<void> {
    return Promise.resolve()
  }
}

interface Service extends AsyncDisposable {
  readonly url: string
  readonly spans: RecordedSpans
  readonly segments: Segments
}

describe.each(apps)('the middleware for $name', (app) => {
  async function start(trust: Trust = true): Promise<Service> {
    const segments = new Segments()
    const spans = recordSpans({ processors: [segments] })
    const served = await serveApp(app, trust)
    return {
      url: served.url,
      spans,
      segments,
      async [Symbol.asyncDispose]() {
        await served[Symbol.asyncDispose]()
        await spans[Symbol.asyncDispose]()
      },
    }
  }

  it('T25 makes the request the server span {METHOD} {route} of the caller’s run, with its own numbers', async () => {
    await using service = await start()
    const headers = remoteRun()
    const runId = runIdOf(headers)
    const answer = await fetch(`${service.url}/find/cats?q=1`, { headers })
    expect(await answer.json()).toEqual({ runId, joined: true, body: null })
    const segment = await service.segments.next()
    expectTrace(service.spans.tree(runId, shown)).toBe(`
      (missing)
        GET /find/:what        kind=SERVER segment=true in=5
          find
            chat small-model   kind=CLIENT
    `)
    expect(segment.parentSpanContext).toMatchObject({ spanId: '00f067aa0ba902b7', isRemote: true })
    expect(segment.spanContext().traceState?.serialize()).toBe(headers['tracestate'])
    expect(segment.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/find/:what',
      'http.response.status_code': 200,
      'url.path': '/find/cats',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(service.url).port),
      'runspan.run.id': runId,
      'runspan.rollup.scope': 'segment',
      'runspan.rollup.complete': true,
    })
  })

  it('keeps the run across a body that is read', async () => {
    await using service = await start()
    const headers = { ...remoteRun(), 'content-type': 'application/json' }
    const body = { text: 'x'.repeat(50_000) }
    const answer = await fetch(`${service.url}/find/cats`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(await answer.json()).toEqual({ runId: runIdOf(headers), joined: true, body })
    expect((await service.segments.next()).name).toBe('POST /find/:what')
  })

  it('T25 joins nothing without a run, and nothing on a plain traceparent', async () => {
    await using service = await start()
    const { traceparent } = remoteRun() as { traceparent: string }
    const plain = [{}, { traceparent }, { traceparent, tracestate: 'runspan=0000000000000001' }]
    for (const headers of plain) {
      const answer = await fetch(`${service.url}/find/cats`, { headers })
      expect(await answer.json()).toEqual({ runId: null, joined: null, body: null })
    }
    await fetch(`${service.url}/find/cats`, { headers: remoteRun() })
    // The control, and the only one.
    await service.segments.next()
    expect(service.segments.isEmpty).toBe(true)
  })

  it('T25 counts headers that are malformed, too long or come twice, and joins nothing on them', async () => {
    await using service = await start()
    const { traceparent, tracestate } = remoteRun() as { traceparent: string; tracestate: string }
    const bad: Record<string, string | string[]>[] = [
      { traceparent: [traceparent, traceparent], tracestate },
      { traceparent: `${traceparent}-more`, tracestate },
      { traceparent: traceparent.toUpperCase(), tracestate },
      { traceparent, tracestate: [tracestate, tracestate] },
      { traceparent, tracestate: `${tracestate},a=${'x'.repeat(600)}` },
      { traceparent, tracestate: `${tracestate},=` },
    ]
    const counts = countsFromNow()
    for (const headers of bad) {
      // Not fetch, which would make one header of two.
      const request = httpRequest(`${service.url}/find/cats`, { headers })
      request.end()
      const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
      expect(JSON.parse(await text(response))).toEqual({ runId: null, joined: null, body: null })
    }
    expect(counts()).toEqual({ carriersMalformed: bad.length })
    await fetch(`${service.url}/find/cats`, { headers: remoteRun() })
    // The control, and the only one.
    await service.segments.next()
    expect(service.segments.isEmpty).toBe(true)
  })

  it('marks 5xx as an error and 4xx not, whether the handler answers so, throws or is not there', async () => {
    await using service = await start()
    const outcomes: unknown[] = []
    for (const path of ['status/404', 'status/503', 'throws', 'status/201']) {
      const answer = await fetch(`${service.url}/${path}`, { headers: remoteRun() })
      await answer.arrayBuffer()
      const { attributes, status } = await service.segments.next()
      outcomes.push([answer.status, status.code === SpanStatusCode.ERROR, attributes['http.response.status_code']])
    }
    expect(outcomes.slice(0, 2)).toEqual([
      [404, false, 404],
      [503, true, 503],
    ])
    // A handler of a fetch request that throws has no response: whoever called it makes one.
    expect(outcomes[2]).toEqual([500, true, app.name.startsWith('route handlers') ? undefined : 500])
    expect(outcomes[3]).toEqual([201, false, 201])
  })

  it('ends HEAD requests and unknown routes too', async () => {
    await using service = await start()
    const answer = await fetch(`${service.url}/nowhere`, { headers: remoteRun() })
    expect(answer.status).toBe(404)
    // Route handlers of Next.js are not called for what is no route.
    if (app.name.startsWith('route handlers')) return
    expect(await service.segments.next()).toMatchObject({ name: 'GET', status: { code: SpanStatusCode.UNSET } })
    await fetch(`${service.url}/find/cats`, { method: 'HEAD', headers: remoteRun() })
    expect((await service.segments.next()).attributes['http.request.method']).toBe('HEAD')
  })

  it('lasts as long as a streaming response, and counts what happens while it streams', async () => {
    await using service = await start()
    const headers = remoteRun()
    const answer = await fetch(`${service.url}/stream`, { headers })
    expect(await answer.text()).toBe('onetwothree')
    await service.segments.next()
    expectTrace(
      service.spans.tree(runIdOf(headers), { kind, in: 'runspan.usage.input_tokens', spans: 'runspan.spans' }),
    ).toBe(`
      (missing)
        GET /stream            kind=SERVER in=5 spans=5
          one
          two
          three
          chat small-model     kind=CLIENT
    `)
  })

  it('is cancelled when the client goes away before an answer, which is no error', async () => {
    await using service = await start()
    const waiting = once(signs, 'waiting')
    const request = httpRequest(`${service.url}/waits`, { headers: remoteRun() })
    request.on('error', () => {})
    request.end()
    await waiting
    request.destroy()
    const { name, status, attributes } = await service.segments.next()
    expect({ name, status }).toEqual({ name: 'GET /waits', status: { code: SpanStatusCode.UNSET } })
    expect(attributes).toMatchObject({ 'runspan.end_reason': 'cancelled', 'runspan.rollup.complete': true })
    expect(attributes).not.toHaveProperty('http.response.status_code')
  })

  it('is cancelled when the client goes away in the middle of a stream', async () => {
    await using service = await start()
    const request = httpRequest(`${service.url}/drip`, { headers: remoteRun() })
    request.on('error', () => {})
    request.end()
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
    await once(response, 'data')
    request.destroy()
    const { status, attributes } = await service.segments.next()
    expect(status.code).toBe(SpanStatusCode.UNSET)
    expect(attributes['runspan.end_reason']).toBe('cancelled')
  })

  it('passes an untrusted caller through; a run in the handler has its own trace and a trigger link to the caller', async () => {
    await using service = await start((request) => request.headers['x-mesh'] === 'internal')
    const counts = countsFromNow()
    const headers = remoteRun()
    const joinable = await fetch(`${service.url}/find/cats`, { headers })
    expect(await joinable.json()).toEqual({ runId: null, joined: null, body: null })
    const own = (await (await fetch(`${service.url}/own-run`, { headers })).json()) as { runId: string; around: null }
    expect(own.around).toBeNull()
    expect(counts()).toMatchObject({ requestsUntrusted: 2 })

    const root = service.spans.root(own.runId)
    expect(own.runId).not.toBe(runIdOf(headers))
    expect(root.links.map(({ context, attributes }) => [context.traceId, context.spanId, attributes])).toEqual([
      [runIdOf(headers), '00f067aa0ba902b7', { 'runspan.link.type': 'trigger' }],
    ])
    const trusted = await fetch(`${service.url}/find/cats`, { headers: { ...headers, 'x-mesh': 'internal' } })
    expect(await trusted.json()).toMatchObject({ runId: runIdOf(headers), joined: true })
    await service.segments.next()
  })

  it('keeps requests apart that run at the same time', async () => {
    await using service = await start()
    const requests = Array.from({ length: 50 }, () => remoteRun())
    const answers = await Promise.all(
      requests.map(async (headers) => (await fetch(`${service.url}/find/cats`, { headers })).json()),
    )
    expect(answers.map((answer) => (answer as { runId: string }).runId)).toEqual(requests.map(runIdOf))
    for (const _ of requests) {
      const segment = await service.segments.next()
      expect(service.spans.of(segment.spanContext().traceId)).toHaveLength(3)
    }
  })
})

describe('beside the official HTTP instrumentation', () => {
  it('T26 every middleware joins below the one server span', async () => {
    await using sink: OtlpSink = await startOtlpSink()
    await using child = spawnProcess('middleware-service', {}, { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url })
    const urls = await child.message<Record<string, string>>()
    expect(Object.keys(urls)).toEqual(apps.map(({ name }) => name))
    const runIds: Record<string, string> = {}
    for (const [name, url] of Object.entries(urls)) {
      const headers = { ...remoteRun(), 'content-type': 'application/json' }
      runIds[name] = runIdOf(headers)
      const options = { method: 'POST', headers, body: '{"a":1}' }
      const answer = await fetch(`${url}/find/cats`, options)
      expect(await answer.json(), name).toEqual({ runId: runIds[name], joined: true, body: { a: 1 } })
      const stream = await fetch(`${url}/stream`, { headers: remoteRun(runIds[name]) })
      expect(await stream.text()).toBe('onetwothree')
      const failed = await fetch(`${url}/status/503`, { headers: remoteRun(runIds[name]) })
      await failed.arrayBuffer()
    }
    child.send('stop')
    expect(await child.ended).toMatchObject({ code: 0, stderr: '' })
    for (const runId of Object.values(runIds)) {
      expectTrace(sink.tree(runId, { kind, in: 'runspan.usage.input_tokens' })).toBe(`
        (missing)
          POST                         kind=SERVER
            join POST /find/:what      in=5
              find
                chat small-model       kind=CLIENT
          GET                          kind=SERVER
            join GET /stream           in=5
              one
              two
              three
              chat small-model         kind=CLIENT
          GET                          kind=SERVER ERROR
            join GET /status/:code     ERROR
      `)
      expect(sink.of(runId).filter((span) => span.kind === SpanKind.SERVER)).toHaveLength(3)
    }
  })
})
