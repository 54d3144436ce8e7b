import type { IncomingMessage } from 'node:http'

import { SpanStatusCode } from '@opentelemetry/api'
import { initTRPC, TRPCError } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { expect, it } from 'vitest'

import { currentRun, currentRunId, newRunId, withSpan } from '../../../src/index.ts'
import { nodeHandler, trpcMiddleware } from '../../../src/propagation/middleware/index.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { serve } from '../../support/serve.ts'
import { expectTrace, kind } from '../../support/trace-text.ts'

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
})
const handler = createHTTPHandler({ router, createContext: ({ req }): Context => ({ req }) })

function remoteRun(runId: string): Record<string, string> {
  return {
    traceparent: `00-${runId}-00f067aa0ba902b7-01`,
    tracestate: `runspan=${runId.slice(16)}`,
    'x-mesh': 'internal',
  }
}

it('makes each procedure of a batch a segment, named by its type and path', async () => {
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

it('passes untrusted callers and plain requests through', async () => {
  await using spans = recordSpans()
  await using server = await serve(handler)
  const { 'x-mesh': _, ...untrusted } = remoteRun(newRunId())
  for (const headers of [untrusted, {}] as Record<string, string>[]) {
    const answer = await fetch(`${server.url}/find.cats`, { headers })
    expect(await answer.json()).toEqual({ result: { data: { runId: null, joined: null } } })
  }
  expect(spans.all.filter((span) => span.attributes['runspan.segment'] === true)).toEqual([])
})

it('changes nothing where the server has joined the request: one segment per call', async () => {
  await using spans = recordSpans()
  await using server = await serve(nodeHandler(handler, { trust: true, route: () => '/trpc' }))
  const runId = newRunId()
  await (await fetch(`${server.url}/find.cats,find.cats?batch=1`, { headers: remoteRun(runId) })).text()
  await expect.poll(() => spans.tree(runId).split('\n')).toEqual(['(missing)', '  GET /trpc', '    look', '    look'])
})
