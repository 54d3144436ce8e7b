import { request as httpRequest } from 'node:http'

import { describe, expect, it } from 'vitest'

import { currentRunId, newRunId, propagationHeaders, withSpan, wrapAgent } from '../../../src/index.ts'
import type { ServiceScript } from '../../fixtures/express-service.ts'
import { type OtlpSink, startOtlpSink, type ReceivedSpan } from '../../support/otlp-sink.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { spawnProcess, type FixtureProcess } from '../../support/spawn-process.ts'
import { expectTrace, kind, links, traceText, type Shown, type ShownSpan } from '../../support/trace-text.ts'

const shown: Shown = { kind, segment: 'runspan.segment', in: 'runspan.usage.input_tokens', links }

describe('expressMiddleware without the official instrumentation', () => {
  it('T24 T25 T26 makes the request the server span {METHOD} {route} of the caller’s run, with its own numbers', async () => {
    await using sink = await startOtlpSink()
    await using spans = recordSpans()
    const search = await startService(sink, { instrumented: false, trust: true })
    expect(propagationHeaders()).toEqual({})
    const { runId, result } = await wrapAgent('planner', () =>
      withSpan('ask', async () => {
        const headers = propagationHeaders()
        return [
          await getJson(`${search.url}/find/cats?q=1`, headers),
          await getJson(`${search.url}/find/dogs`, upper(headers)),
        ]
      }),
    )
    expect(result).toEqual([
      { runId, joined: true },
      { runId, joined: true },
    ])
    expect(await getJson(`${search.url}/find/nothing`, {})).toEqual({ runId: null, joined: null })
    await search.stop()

    expectTrace(traceText([...spans.of(runId), ...sink.of(runId)] as ShownSpan[], shown)).toBe(`
      invoke_agent planner
        ask
          GET /find/:what        kind=SERVER segment=true in=5
            find
              chat small-model   kind=CLIENT
          GET /find/:what        kind=SERVER segment=true in=5
            find
              chat small-model   kind=CLIENT
    `)
    expect(sink.of(runId)[0]?.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/find/:what',
      'http.response.status_code': 200,
      'url.path': '/find/cats',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'runspan.run.id': runId,
      'runspan.rollup.scope': 'segment',
      'runspan.rollup.complete': true,
    })
    // Without the header the middleware starts no run and no span; what the handler does is an ordinary trace.
    expect(roots(sink)).toEqual(['find'])
  })

  it('keeps the run across a body parser and in routers inside routers', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: false, trust: true })
    const { runId, result } = await wrapAgent('planner', async () => {
      const headers = { ...propagationHeaders(), 'content-type': 'application/json' }
      const body = JSON.stringify({ text: 'x'.repeat(50_000) })
      const answer = await fetch(`${search.url}/find/cats`, { method: 'POST', headers, body })
      await fetch(`${search.url}/nested/deep/3`, { headers })
      await fetch(`${search.url}/nowhere`, { headers })
      return answer.json()
    })
    await search.stop()
    expect(result).toEqual({ runId, joined: true })
    expect(segments(sink).map((span) => span.name)).toEqual(['POST /find/:what', 'GET /nested/deep/:level', 'GET'])
  })

  it('marks 5xx as an error and 4xx not, whether the handler answers so or throws', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: false, trust: true })
    await wrapAgent('planner', async () => {
      for (const path of ['status/404', 'status/503', 'throws', 'status/200']) {
        await fetch(`${search.url}/${path}`, { headers: propagationHeaders() })
      }
    })
    await search.stop()
    expect(segments(sink).map((span) => outcome(span))).toEqual([
      { code: 0, status: 404, errorType: undefined },
      { code: 2, status: 503, errorType: '503' },
      { code: 2, status: 500, errorType: '500' },
      { code: 0, status: 200, errorType: undefined },
    ])
  })

  it('is cancelled when the client goes away, which is no error', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: false, trust: true })
    await wrapAgent('planner', async () => {
      const request = httpRequest(`${search.url}/waits`, { headers: propagationHeaders() })
      request.on('error', () => {})
      request.end()
      expect(await search.process.message()).toBe('waiting')
      request.destroy()
      expect(await search.process.message()).toBe('closed')
    })
    await search.stop()
    const [span] = segments(sink)
    expect(span).toMatchObject({ name: 'GET /waits', status: { code: 0 } })
    expect(span?.attributes).toMatchObject({ 'runspan.end_reason': 'cancelled', 'runspan.rollup.complete': true })
    expect(span?.attributes).not.toHaveProperty('http.response.status_code')
  })

  it('lasts as long as a streaming response, and counts what happens while it streams', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: false, trust: true })
    const { runId, result } = await wrapAgent('planner', async () =>
      (await fetch(`${search.url}/stream`, { headers: propagationHeaders() })).text(),
    )
    await search.stop()
    expect(result).toBe('onetwothree')
    expectTrace(sink.tree(runId, { kind, in: 'runspan.usage.input_tokens', spans: 'runspan.spans' })).toBe(`
      (missing)
        GET /stream          kind=SERVER in=5 spans=5
          one
          two
          three
          chat small-model   kind=CLIENT
    `)
  })

  it('joins nothing on a plain traceparent, which is what every browser and gateway sends', async () => {
    await using sink = await startOtlpSink()
    const search = await startService(sink, { instrumented: false, trust: true })
    const traceparent = `00-${newRunId()}-00f067aa0ba902b7-01`
    expect(await getJson(`${search.url}/find/cats`, { traceparent })).toEqual({ runId: null, joined: null })
    const foreign = { traceparent, tracestate: 'runspan=0000000000000001' }
    expect(await getJson(`${search.url}/find/cats`, foreign)).toEqual({ runId: null, joined: null })
    await search.stop()
    expect(segments(sink)).toEqual([])
  })

  it('passes an untrusted caller through; a run in the handler has its own trace and a trigger link to the caller', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: false, trust: 'header' })
    const { runId, result } = await wrapAgent('planner', async (run) => ({
      spanId: run.spanId,
      untrusted: await getJson(`${search.url}/own-run`, propagationHeaders()),
      joinable: await getJson(`${search.url}/find/cats`, propagationHeaders()),
      trusted: await getJson(`${search.url}/find/cats`, { ...propagationHeaders(), 'x-mesh': 'internal' }),
    }))
    await search.stop()
    expect(result.joinable).toEqual({ runId: null, joined: null })
    expect(result.trusted).toEqual({ runId, joined: true })

    const { runId: ownRunId, around } = result.untrusted as { runId: string; around: null }
    expect(around).toBeNull()
    expect(ownRunId).not.toBe(runId)
    const root = sink.of(ownRunId).find((span) => span.name === 'invoke_agent searcher')!
    expect(root.parentSpanContext).toBeUndefined()
    expect(root.attributes).not.toHaveProperty('runspan.parent_run.id')
    expect(root.links.map(({ context, attributes }) => [context.traceId, context.spanId, attributes])).toEqual([
      [runId, result.spanId, { 'runspan.link.type': 'trigger' }],
    ])
    // Of the caller's trace the service has written the trusted part alone.
    expectTrace(sink.tree(runId)).toBe(`
      (missing)
        GET /find/:what
          find
            chat small-model
    `)
  })
})

describe('expressMiddleware beside the official HTTP instrumentation', () => {
  it('T24 T25 T26 joins below the one server span', async () => {
    await using sink = await startOtlpSink()
    await using spans = recordSpans()
    const search = await startService(sink, { instrumented: true, trust: true })
    const { runId, result } = await wrapAgent('planner', () =>
      withSpan('ask', () => getJson(`${search.url}/find/cats`, propagationHeaders())),
    )
    await wrapAgent('other', async () => {
      for (const path of ['status/404', 'status/503']) {
        await fetch(`${search.url}/${path}`, { headers: propagationHeaders() })
      }
    })
    await search.stop()
    expect(result).toEqual({ runId, joined: true })
    expectTrace(traceText([...spans.of(runId), ...sink.of(runId)] as ShownSpan[], shown)).toBe(`
      invoke_agent planner
        ask
          GET                      kind=SERVER
            join GET /find/:what   segment=true in=5
              find
                chat small-model   kind=CLIENT
    `)
    expect(segments(sink).map((span) => outcome(span).code)).toEqual([0, 0, 2])
  })

  it('joins nothing on a plain traceparent: the server span is the caller’s child, and no run is there', async () => {
    await using sink = await startOtlpSink()
    const search = await startService(sink, { instrumented: true, trust: true })
    const traceId = newRunId()
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
    expect(await getJson(`${search.url}/find/cats`, { traceparent })).toEqual({ runId: null, joined: null })
    await search.stop()
    expectTrace(sink.tree(traceId, shown)).toBe(`
      (missing)
        GET                    kind=SERVER
          find
            chat small-model   kind=CLIENT
    `)
  })

  it('leaves an untrusted caller its server span; a run in the handler is dispatched from there', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: true, trust: false })
    const { runId, result } = await wrapAgent('planner', () => getJson(`${search.url}/own-run`, propagationHeaders()))
    await search.stop()
    const { runId: ownRunId } = result as { runId: string }
    expectTrace(sink.tree(runId, shown)).toBe(`
      (missing)
        GET                       kind=SERVER
          invoke_agent searcher   kind=CLIENT links=trigger
    `)
    // So that readers add nothing of it to the caller's run.
    const server = sink.of(runId).find(({ name }) => name === 'GET')
    expect(server?.attributes).toMatchObject({ 'runspan.join.refused': true })
    expectTrace(sink.tree(ownRunId, shown)).toBe(`
      invoke_agent searcher   in=5 links=trigger
        chat small-model      kind=CLIENT
    `)
    expect(segments(sink)).toEqual([])
  })

  it('is cancelled with the client, and leaves streaming to the server span', async () => {
    await using sink = await startOtlpSink()
    await using _ = recordSpans()
    const search = await startService(sink, { instrumented: true, trust: true })
    const { runId } = await wrapAgent('planner', async () => {
      await (await fetch(`${search.url}/stream`, { headers: propagationHeaders() })).text()
      const request = httpRequest(`${search.url}/waits`, { headers: propagationHeaders() })
      request.on('error', () => {})
      request.end()
      expect(await search.process.message()).toBe('waiting')
      request.destroy()
      expect(await search.process.message()).toBe('closed')
    })
    await search.stop()
    expectTrace(sink.tree(runId, { kind, end: 'runspan.end_reason', spans: 'runspan.spans' })).toBe(`
      (missing)
        GET                    kind=SERVER
          join GET /stream     spans=5
            one
            two
            three
            chat small-model   kind=CLIENT
        GET                    kind=SERVER
          join GET /waits      end=cancelled spans=1
    `)
  })
})

describe('a plain OpenTelemetry service in between', () => {
  it('passes the run on to a service that joins it', async () => {
    await using sink = await startOtlpSink()
    await using spans = recordSpans()
    const search = await startService(sink, { instrumented: true, trust: true })
    const relay = await startRelay(sink, `${search.url}/find/cats`)
    const { runId, result } = await wrapAgent('planner', async () => ({
      here: currentRunId(),
      there: await getJson(relay.url, propagationHeaders()),
    }))
    await relay.stop()
    await search.stop()
    expect(result).toEqual({ here: runId, there: { runId, joined: true } })
    expectTrace(traceText([...spans.of(runId), ...sink.of(runId)] as ShownSpan[], shown)).toBe(`
      invoke_agent planner
        GET                            kind=SERVER
          GET                          kind=CLIENT
            GET                        kind=SERVER
              join GET /find/:what     segment=true in=5
                find
                  chat small-model     kind=CLIENT
    `)
  })
})

interface Service {
  readonly url: string
  readonly process: FixtureProcess
  /** Flushes, and waits for the end. */
  stop(): Promise<void>
}

async function startService(sink: OtlpSink, script: ServiceScript): Promise<Service> {
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_SERVICE_NAME: 'search' }
  return started(spawnProcess('express-service', script, environment))
}

async function startRelay(sink: OtlpSink, to: string): Promise<Service> {
  const onlyTraces = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_SERVICE_NAME: 'relay', ...onlyTraces }
  return started(spawnProcess('plain-relay', { to }, environment))
}

async function started(process: FixtureProcess): Promise<Service> {
  const { url } = await process.message<{ url: string }>()
  return {
    url,
    process,
    async stop() {
      process.send('stop')
      const end = await process.ended
      expect(end).toMatchObject({ code: 0, stderr: '' })
    },
  }
}

async function getJson(url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  return (await fetch(url, { headers })).json()
}

function upper(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]))
}

function segments(sink: OtlpSink): readonly ReceivedSpan[] {
  return sink.all.filter((span) => span.attributes['runspan.segment'] === true)
}

function roots(sink: OtlpSink): readonly string[] {
  return sink.all.filter((span) => span.parentSpanContext === undefined).map((span) => span.name)
}

function outcome({ status, attributes }: ReceivedSpan): { readonly code: number; readonly [what: string]: unknown } {
  return {
    code: status.code,
    status: attributes['http.response.status_code'],
    errorType: attributes['error.type'],
  }
}
