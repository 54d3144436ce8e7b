import { EventEmitter } from 'node:events'

import { expect, it } from 'vitest'

import { bindRun, currentRunId, currentSpan, startRun, withSpan, wrapAgent } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'

it('keeps a listener in the run that it was bound in, whoever emits; one that is not bound is where the emitter is', async () => {
  await using _ = recordSpans()
  const emitter = new EventEmitter()
  const seen: unknown[] = []
  const { runId } = await wrapAgent('planner', () => {
    emitter.on('change', () => seen.push(['plain', currentRunId()]))
    emitter.on(
      'change',
      bindRun(() => seen.push(['bound', currentRunId()])),
    )
  })
  emitter.emit('change')
  const other = startRun('other')
  other.with(() => emitter.emit('change'))
  other.end()
  expect(seen).toEqual([
    ['plain', undefined],
    ['bound', runId],
    ['plain', other.runId],
    ['bound', runId],
  ])
})

it('keeps a job of a pool in its run and in its span', async () => {
  await using spans = recordSpans()
  const jobs: (() => void)[] = []
  const pool = (async () => {
    while (jobs.length === 0) await new Promise((resolve) => setImmediate(resolve))
    for (const job of jobs) job()
  })()
  const spanId = await wrapAgent('planner', () =>
    withSpan('queue', async (span) => {
      jobs.push(bindRun(() => withSpan('job', () => expect(currentRunId()).toBeDefined())))
      jobs.push(() => withSpan('stray', () => expect(currentRunId()).toBeUndefined()))
      await pool
      return span.spanId
    }),
  )
  expect(spans.span('job').parentSpanContext?.spanId).toBe(spanId.result)
  expect(spans.span('stray').parentSpanContext).toBeUndefined()
})

it('keeps this, the arguments and what comes back', async () => {
  await using _ = recordSpans()
  const counter = {
    total: 1,
    add: bindRun(function add(this: { total: number }, by: number) {
      return (this.total += by)
    }),
  }
  expect(counter.add(2)).toBe(3)
  expect(bindRun((text: string) => text.length)('four')).toBe(4)
})

it('does no harm where nothing is set up', () => {
  expect(bindRun(() => currentSpan())()).toBeDefined()
})
