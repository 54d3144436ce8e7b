import type { IncomingMessage, ServerResponse } from 'node:http'

import { SpanKind, context, propagation, trace } from '@opentelemetry/api'
import { expect, it } from 'vitest'

import { propagationHeaders, recordLlmCall, wrapAgent, type Trust } from '../../src/index.ts'
import { nodeHandler } from '../../src/propagation/middleware/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { serve } from '../support/serve.ts'

/** What a run counts that somebody calls back with its own trace, where an instrumentation joins traces by itself. */
async function callsAfterCallback(trust: Trust): Promise<number> {
  await using _ = recordSpans()
  const handler = nodeHandler(
    (_request: IncomingMessage, response: ServerResponse) => {
      recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 1000 })
      response.end()
    },
    { trust },
  )
  const tracer = trace.getTracer('@opentelemetry/instrumentation-http')
  await using server = await serve((request, response) => {
    const remote = propagation.extract(context.active(), request.headers)
    const span = tracer.startSpan('POST', { kind: SpanKind.SERVER }, remote)
    response.on('close', () => span.end())
    context.with(trace.setSpan(remote, span), () => handler(request, response))
  })
  const { ended } = await wrapAgent('planner', async () => {
    const headers = propagationHeaders()
    await (await fetch(server.url, { method: 'POST', headers })).text()
  })
  return (await ended).totals.llmCalls
}

it('leaves the numbers of a run alone that an untrusted request names', async () => {
  expect(await callsAfterCallback(false)).toBe(0)
})

it('adds what a trusted one does', async () => {
  expect(await callsAfterCallback(true)).toBe(1)
})
