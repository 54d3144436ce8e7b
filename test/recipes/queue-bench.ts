import { expect } from 'vitest'

import { startBench, type Bench } from './bench.ts'
import type { Program } from './programs.ts'

/** What a worker of a queue asks the model: for each of the two jobs that its planner leaves there, and for the one that is waited for. */
export const questions = {
  columns: 'Name the columns of rows.csv',
  report: 'Report on Rows',
  asked: 'Name the columns of orders.csv',
} as const

/** A bench with the two programs of a recipe for a queue. */
export class QueueBench implements AsyncDisposable {
  readonly store: Bench['store']
  readonly model: Bench['model']
  readonly #bench: Bench
  readonly #recipe: string

  constructor(recipe: string, bench: Bench) {
    this.#recipe = recipe
    this.#bench = bench
    this.store = bench.store
    this.model = bench.model
  }

  /** Leaves the two jobs in the queue, and returns the planner's run id. */
  async plan(): Promise<string> {
    const planner = this.#bench.programs.node(`${this.#recipe}/producer.ts`, { OTEL_SERVICE_NAME: 'planner' })
    const runId = await planner.line()
    await planner.done
    return runId
  }

  /** Has a planner wait for the reply to a job: its run id, and what it says of its totals. Workers have to be there. */
  async ask(): Promise<{ readonly runId: string; readonly said: string }> {
    const planner = this.#bench.programs.node(`${this.#recipe}/asker.ts`, { OTEL_SERVICE_NAME: 'planner' })
    const runId = await planner.line()
    const said = await planner.line()
    await planner.done
    return { runId, said }
  }

  startWorker(): Program {
    return this.#bench.programs.node(`${this.#recipe}/worker.ts`, { OTEL_SERVICE_NAME: 'worker' })
  }

  async writerCame(count = 1): Promise<void> {
    await expect.poll(() => this.store.runsOf('writer').length).toBe(count)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#bench[Symbol.asyncDispose]())
  }
}

/** @param recipe a folder of `examples/recipes` with a `producer.ts` and a `worker.ts` */
export async function startQueueBench(
  recipe: string,
  environment: Readonly<Record<string, string>>,
): Promise<QueueBench> {
  return new QueueBench(recipe, await startBench(environment))
}
