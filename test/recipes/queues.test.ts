import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Broker } from '../../scripts/brokers/broker.ts'
import { startNats } from '../../scripts/brokers/nats.ts'
import { startPostgres } from '../../scripts/brokers/postgres.ts'
import { startRabbitMq } from '../../scripts/brokers/rabbitmq.ts'
import { startRedis } from '../../scripts/brokers/redis.ts'
import { expectTrace } from '../support/trace-text.ts'
import { isMissing } from './is-missing.ts'
import { answerTokens } from './model.ts'
import { questions, startQueueBench } from './queue-bench.ts'

const queues = [
  {
    name: 'BullMQ on Redis',
    recipe: 'bullmq',
    needs: 'redis',
    start: startRedis,
    environment: (url: string) => ({ REDIS_URL: url, LOCK_MILLIS: '3000' }),
    replies: 'again',
  },
  {
    name: 'RabbitMQ',
    recipe: 'rabbitmq',
    needs: 'rabbitmq',
    start: startRabbitMq,
    environment: (url: string) => ({ AMQP_URL: url }),
    replies: 'again',
  },
  {
    name: 'NATS JetStream',
    recipe: 'nats',
    needs: 'nats',
    start: startNats,
    environment: (url: string) => ({ NATS_URL: url, ACK_WAIT_MILLIS: '5000' }),
    // To a request, which is not delivered again.
    replies: 'once',
  },
  {
    name: 'pg-boss on PostgreSQL',
    recipe: 'pg-boss',
    needs: 'postgres',
    start: startPostgres,
    environment: (url: string) => ({ POSTGRES_URL: url, EXPIRE_SECONDS: '2', SUPERVISE_SECONDS: '1' }),
    // Nobody is told that a job is done.
    replies: 'never',
  },
] as const

for (const { name, recipe, needs, start, environment, replies } of queues) {
  describe.skipIf(isMissing(needs))(name, () => {
    let broker: Broker
    beforeAll(async () => {
      broker = await start()
    })
    afterAll(() => broker?.[Symbol.asyncDispose]())

    it('joins the run of the one job, and links the run of the other', async () => {
      await using bench = await startQueueBench(recipe, environment(broker.url))
      const { store } = bench
      const runId = await bench.plan()
      const worker = bench.startWorker()
      await bench.writerCame()
      await worker.stop()

      expectTrace(store.text(runId)).toBe(`
        planner: invoke_agent planner
          planner: invoke_agent writer
          worker: load rows
            worker: chat small-model
      `)
      const planner = store.run(runId)
      expect(planner.totals).toMatchObject({ llmCalls: 1, ...answerTokens })
      const [writer] = store.runsOf('writer')
      expect(writer).toMatchObject({ parentRunId: runId, status: 'completed', attempt: 1, firstRunId: undefined })
      expect(writer!.totals).toMatchObject({ llmCalls: 1, ...answerTokens })
      expect(planner.dispatches).toMatchObject([{ childRunId: writer!.runId }])
    })

    it('opens another run for a job that failed and is tried again', async () => {
      await using bench = await startQueueBench(recipe, environment(broker.url))
      const runId = await bench.plan()
      bench.model.next(questions.report, 'fail')
      const worker = bench.startWorker()
      await bench.writerCame(2)
      await worker.stop()

      const [first, second] = bench.store.runsOf('writer')
      expect(first).toMatchObject({ status: 'failed', attempt: 1, parentRunId: runId })
      expect(second).toMatchObject({ status: 'completed', attempt: 2, firstRunId: first!.runId, parentRunId: runId })
    })

    it('joins again, and opens another run, for jobs whose workers died over them', async () => {
      await using bench = await startQueueBench(recipe, environment(broker.url))
      const { store, model } = bench
      const runId = await bench.plan()
      for (const question of [questions.columns, questions.report]) {
        model.next(question, 'hang')
        const dying = bench.startWorker()
        await model.asked(question)
        await dying.crash()
      }
      // The control: nobody has written a report.
      expect(store.runsOf('writer')).toEqual([])

      const worker = bench.startWorker()
      await bench.writerCame()
      await model.asked(questions.columns, 2)
      await worker.stop()
      expect(model.questions.toSorted()).toEqual([
        questions.columns,
        questions.columns,
        questions.report,
        questions.report,
      ])
      const spawned = store.run(runId).dispatches[0]!.childRunId
      const [writer] = store.runsOf('writer')
      expect(writer).toMatchObject({ status: 'completed', attempt: 2, firstRunId: spawned, parentRunId: runId })
      // Nothing was written into the trace of the first attempt, which is lost with its process.
      expect(writer!.runId).not.toBe(spawned)
      expect(store.runs.find((run) => run.runId === spawned)).toBeUndefined()
    })

    if (replies === 'never') return
    it('brings the totals of a part home with the reply to its job', async () => {
      await using bench = await startQueueBench(recipe, environment(broker.url))
      const { store } = bench
      await bench.plan()
      const worker = bench.startWorker()
      await bench.writerCame()
      const { runId, said } = await bench.ask()
      await worker.stop()

      expect(said).toBe(`as you like: ${answerTokens.inputTokens} tokens, complete: true`)
      const planner = store.run(runId)
      expect(planner.root?.attributes).toMatchObject({ 'runspan.rollup.remote_segments': 1, 'runspan.calls.llm': 1 })
      expect(planner.segments).toHaveLength(1)
      // What came home is not added again where the segment is read.
      expect(planner.totals).toMatchObject({ llmCalls: 1, ...answerTokens })
    })

    if (replies !== 'again') return
    it('is not complete where an earlier delivery of the job may have cost something', async () => {
      await using bench = await startQueueBench(recipe, environment(broker.url))
      await bench.plan()
      const worker = bench.startWorker()
      await bench.writerCame()
      bench.model.next(questions.asked, 'fail')
      const { runId, said } = await bench.ask()
      await worker.stop()

      expect(said).toBe('as you like: 0 tokens, complete: false')
      const planner = bench.store.run(runId)
      expect(planner.root?.attributes).toMatchObject({ 'runspan.rollup.incomplete_reasons': ['partial'] })
      // The segments of both deliveries were stored, and readers add them.
      expect(planner.segments).toHaveLength(2)
      expect(planner.totals).toMatchObject({ llmCalls: 2, ...answerTokens })
    })
  })
}
