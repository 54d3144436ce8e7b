import { expect, it } from 'vitest'

import { expectTrace } from '../support/trace-text.ts'
import { startBench } from './bench.ts'
import { answerTokens } from './model.ts'

it('carries a run through Express, Fastify and Hono, and their totals home', async () => {
  await using bench = await startBench({ PORT: '0' })
  const { store, programs, model } = bench
  const third = programs.node('chain/third.ts', { OTEL_SERVICE_NAME: 'hono' })
  const second = programs.node('chain/second.ts', { OTEL_SERVICE_NAME: 'fastify', NEXT_URL: await third.line() })
  const first = programs.node('chain/first.ts', { OTEL_SERVICE_NAME: 'express', NEXT_URL: await second.line() })
  const caller = programs.node('chain/caller.ts', { OTEL_SERVICE_NAME: 'planner', NEXT_URL: await first.line() })
  const runId = await caller.line()
  expect(await caller.line()).toBe('3')
  await caller.done
  for (const service of [first, second, third]) await service.stop()

  expectTrace(store.text(runId)).toBe(`
    planner: invoke_agent planner
      express: GET /plans/:topic
        express: chat small-model
        fastify: GET /searches/:topic
          fastify: chat small-model
          hono: GET /ranks/:topic
            hono: chat small-model
  `)
  expect(model.questions).toHaveLength(3)
  const run = store.run(runId)
  const bill = { llmCalls: 3, inputTokens: 3 * answerTokens.inputTokens, outputTokens: 3 * answerTokens.outputTokens }
  expect(run.totals).toMatchObject(bill)
  // The caller's own root knew all of it when it ended.
  expect(run.ownTotals).toMatchObject(bill)
  expect(run.root?.attributes).toMatchObject({ 'runspan.rollup.complete': true })
})
