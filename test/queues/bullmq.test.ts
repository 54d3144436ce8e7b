import { Queue, QueueEvents } from 'bullmq'
import { Redis as Client } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { injectRun, wrapAgent } from '../../src/index.ts'
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'
import { expectTrace, kind, links, traceText, type ShownSpan } from '../support/trace-text.ts'
import { startRedis, type Redis } from './redis.ts'

describe('BullMQ on a real Redis, with its worker in another process', () => {
  let redis: Redis
  let sink: OtlpSink
  let worker: FixtureProcess
  let queue: Queue
  let events: QueueEvents
  const clients: Client[] = []

  beforeAll(async () => {
    redis = await startRedis()
    sink = await startOtlpSink()
    worker = spawnProcess('bullmq-worker', { sink: sink.url, port: redis.port })
    expect(await worker.message()).toBe('ready')
    queue = new Queue('jobs', { connection: client() })
    events = new QueueEvents('jobs', { connection: client() })
    await events.waitUntilReady()
  })

  afterAll(async () => {
    await events?.close()
    await queue?.close()
    for (const one of clients) one.disconnect()
    await worker?.[Symbol.asyncDispose]()
    await sink?.[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
  })

  function client(): Client {
    const made = new Client(redis.port, '127.0.0.1', { maxRetriesPerRequest: null })
    clients.push(made)
    return made
  }

  /** The worker sends what it has, and ends. */
  async function stopWorker(): Promise<void> {
    worker.send('stop')
    expect(await worker.ended).toMatchObject({ code: 0 })
  }

  it('joins the run that a job carries; a job that is delivered again is another execution of the child it names', async () => {
    await using spans = recordSpans()
    const { runId, result } = await wrapAgent('planner', async (run) => {
      const load = await queue.add('load rows', injectRun({ file: 'rows.csv' }))
      const loaded: unknown = await load.waitUntilFinished(events)
      const ref = run.spawn('writer', { goal: 'Write the report' })
      const report = await queue.add('report', { ref }, { attempts: 2 })
      return { loaded, ref, report: (await report.waitUntilFinished(events)) as { runId: string } }
    })
    // The control: what no run enqueued is in none.
    const stray = await queue.add('load rows', injectRun({ file: 'stray.csv' }))
    expect(await stray.waitUntilFinished(events)).toEqual({ file: 'stray.csv' })
    await stopWorker()

    expect(result.loaded).toEqual({ runId, file: 'rows.csv' })
    expectTrace(traceText([...spans.of(runId), ...sink.of(runId)] as ShownSpan[], { kind })).toBe(`
      invoke_agent planner
        invoke_agent writer       kind=PRODUCER
        load rows
          chat small-model        kind=CLIENT
    `)
    const first = sink.of(result.ref.runId).find((span) => span.name === 'invoke_agent writer')!
    expect(first.attributes).toMatchObject({ 'runspan.run.status': 'failed', 'runspan.parent_run.id': runId })
    expect(first.attributes).not.toHaveProperty('runspan.run.attempt')

    const second = sink.of(result.report.runId).find((span) => span.name === 'invoke_agent writer')!
    expect(result.report.runId).not.toBe(result.ref.runId)
    expect(second.attributes).toMatchObject({
      'runspan.run.status': 'completed',
      'runspan.run.attempt': 2,
      'runspan.first_run.id': result.ref.runId,
      'runspan.parent_run.id': runId,
    })
    expect(links(second)).toContain('retry')
  })
})
