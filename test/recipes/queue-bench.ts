import { expect } from 'vitest'

import { startTestModel, type TestModel } from './model.ts'
import { Programs, type Program } from './programs.ts'
import { startSpanStore, type SpanStore } from './span-store.ts'

/** What a worker of a queue asks the model, for each of the two jobs that its planner leaves there. */
export const questions = { columns: 'Name the columns of rows.csv', report: 'Report on Rows' } as const

/** The programs of a recipe for a queue, with a store and a model of their own. */
export class QueueBench implements AsyncDisposable {
  readonly store: SpanStore
  readonly model: TestModel
  readonly programs: Programs
  readonly #recipe: string

  constructor(recipe: string, store: SpanStore, model: TestModel, environment: Readonly<Record<string, string>>) {
    this.#recipe = recipe
    this.store = store
    this.model = model
    this.programs = new Programs({ OTEL_EXPORTER_OTLP_ENDPOINT: store.url, MODEL_URL: model.url, ...environment })
  }

  /** Leaves the two jobs in the queue, and returns the planner's run id. */
  async plan(): Promise<string> {
    const planner = this.programs.node(`${this.#recipe}/producer.ts`, { OTEL_SERVICE_NAME: 'planner' })
    const runId = await planner.line()
    await planner.done
    return runId
  }

  startWorker(): Program {
    return this.programs.node(`${this.#recipe}/worker.ts`, { OTEL_SERVICE_NAME: 'worker' })
  }

  async writerCame(count = 1): Promise<void> {
    await expect.poll(() => this.store.runsOf('writer').length).toBe(count)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.programs[Symbol.asyncDispose]()
    await this.model[Symbol.asyncDispose]()
    await this.store[Symbol.asyncDispose]()
  }
}

/** @param recipe a folder of `examples/recipes` with a `producer.ts` and a `worker.ts` */
export async function startQueueBench(
  recipe: string,
  environment: Readonly<Record<string, string>>,
): Promise<QueueBench> {
  return new QueueBench(recipe, await startSpanStore(), await startTestModel(), environment)
}
