import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, propagation } from '@opentelemetry/api'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { expect, it } from 'vitest'

import { currentRun, currentRunId, newRunId, withSpan } from '../../../src/index.ts'
import { nodeHandler, trpcMiddleware } from '../../../src/propagation/middleware/index.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { serve } from '../../support/serve.ts'
import { expectTrace, kind } from '../../support/trace-text.ts'
import { signs } from './routes.ts'

interface Context {
  readonly req: IncomingMessage
}

const t = initTRPC.context<Context>().create()
const joined = t.middleware(
  trpcMiddleware({
    trust: (request) => request.headers['x-mesh'] === 'internal',
    headers: ({ req }: Context) => req.headers,
  }),
)
const procedure = t.procedure.use(joined)
const router = t.router({
  find: t.router({
    cats: procedure.query(() =>
      withSpan('look', () => ({ runId: currentRunId() ?? null, joined: currentRun()?.joined ?? null })),
    ),
  }),
  missing: procedure.query(() => {
    throw new TRPCError({ code: 'NOT_FOUND' })
  }),
  broken: procedure.mutation(() => {
    throw new Error('in the procedure')
  }),
  count: procedure.subscription(async function* count() {
    for (const value of [1, 2]) {
      await Promise.resolve()
      withSpan(`value ${value}`, () => {})
      yield value
    }
  }),
  // Both begin, and do not go on.
  queryWaits: procedure.query(() => {
    signs.emit('waiting')
    return new Promise<never>(() => {})
  }),
  subscriptionWaits: procedure.subscription(async function* wait() {
    yield 1
    signs.emit('waiting')
    await new Promise(() => {})
  }),
})
const handler = createHTTPHandler({ router, createContext: ({ req }): Context => ({ req }) })

function remoteRun(runId: string): Record<string, string> {
  return {
    traceparent: `00-${runId}-00f067aa0ba902b7-01`,
    tracestate: `runspan=${runId.slice(16)}`,
    'x-mesh': 'internal',
  }
}

it('T25 makes each procedure of a batch a segment, named by its type and path', async () => {
  await using spans = recordSpans()
  await using server = await serve(handler)
  const runId = newRunId()
  const answer = await fetch(`${server.url}/find.cats,missing,find.cats?batch=1`, { headers: remoteRun(runId) })
  const found = { result: { data: { runId, joined: true } } }
  expect(await answer.json()).toMatchObject([found, { error: { data: { code: 'NOT_FOUND' } } }, found])
  expectTrace(spans.tree(runId, { kind, segment: 'runspan.segment' })).toBe(`
    (missing)
      query find.cats     kind=SERVER segment=true
        look
      query missing       kind=SERVER segment=true
      query find.cats     kind=SERVER segment=true
        look
  `)
})

it('fails with what the server did wrong, and not with what the client did', async () => {
  await using spans = recordSpans()
  await using server = await serve(handler)
  const headers = { ...remoteRun(newRunId()), 'content-type': 'application/json' }
  await (await fetch(`${server.url}/missing`, { headers })).text()
  await (await fetch(`${server.url}/broken`, { method: 'POST', body: '{}', headers })).text()
  expect(spans.span('query missing').status.code).toBe(SpanStatusCode.UNSET)
  expect(spans.span('mutation broken').status.code).toBe(SpanStatusCode.ERROR)
})

it('lasts as long as a subscription', async () => {
  await using spans = recordSpans()
  await using server = await serve(handler)
  const runId = newRunId()
  const answer = await fetch(`${server.url}/count`, { headers: { ...remoteRun(runId), accept: 'text/event-stream' } })
  expect(await answer.text()).toContain('data: 2')
  expectTrace(spans.tree(runId)).toBe(`
    (missing)
      subscription count
        value 1
        value 2
  `)
})

it('T25 passes untrusted callers and plain requests through', async () => {
  await using spans = recordSpans()
  await using server = await serve(handler)
  const { 'x-mesh': _, ...untrusted } = remoteRun(newRunId())
  for (const headers of [untrusted, {}] as Record<string, string>[]) {
    const answer = await fetch(`${server.url}/find.cats`, { headers })
    expect(await answer.json()).toEqual({ result: { data: { runId: null, joined: null } } })
  }
  expect(spans.all.filter((span) => span.attributes['runspan.segment'] === true)).toEqual([])
})

it('T26 joins below the one server span that an HTTP instrumentation has started', async () => {
  await using spans = recordSpans()
  const runId = newRunId()
  // What the instrumentation does around a listener.
  const server = spans.provider.getTracer('http')
  await using instrumented = await serve((request, response) => {
    const parent = propagation.extract(ROOT_CONTEXT, request.headers)
    server.startActiveSpan('GET', { kind: SpanKind.SERVER }, parent, (span) => {
      response.on('close', () => span.end())
      handler(request, response)
    })
  })
  await (await fetch(`${instrumented.url}/find.cats`, { headers: remoteRun(runId) })).text()
  await expect.poll(() => spans.tree(runId, { kind }).split('\n').length).toBe(4)
  expectTrace(spans.tree(runId, { kind })).toBe(`
    (missing)
      GET                      kind=SERVER
        join query find.cats
          look
  `)
})

it.each(['query', 'subscription'])('is cancelled with its client, in the middle of a %s', async (kindOfCall) => {
  await using spans = recordSpans()
  await using server = await serve(handler)
  const runId = newRunId()
  const leaving = new AbortController()
  const headers = { ...remoteRun(runId), accept: 'text/event-stream' }
  const waiting = once(signs, 'waiting')
  const answer = fetch(`${server.url}/${kindOfCall}Waits`, { headers, signal: leaving.signal })
  answer.catch(() => undefined)
  await waiting
  leaving.abort()
  const name = `${kindOfCall} ${kindOfCall}Waits`
  await expect.poll(() => spans.tree(runId)).toContain(name)
  const segment = spans.span(name)
  expect(segment.status.code).toBe(SpanStatusCode.UNSET)
  expect(segment.attributes['runspan.end_reason']).toBe('cancelled')
})

it('changes nothing where the server has joined the request: one segment per call', async () => {
  await using spans = recordSpans()
  await using server = await serve(nodeHandler(handler, { trust: true, route: () => '/trpc' }))
  const runId = newRunId()
  await (await fetch(`${server.url}/find.cats,find.cats?batch=1`, { headers: remoteRun(runId) })).text()
  await expect.poll(() => spans.tree(runId).split('\n')).toEqual(['(missing)', '  GET /trpc', '    look', '    look'])
})
