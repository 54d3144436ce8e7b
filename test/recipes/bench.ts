import { startTestModel, type TestModel } from './model.ts'
import { Programs } from './programs.ts'
import { startSpanStore, type SpanStore } from './span-store.ts'

/** The programs of a recipe, with a store and a model of their own. */
export interface Bench extends AsyncDisposable {
  readonly store: SpanStore
  readonly model: TestModel
  readonly programs: Programs
}

/** @param environment what all programs get beside the store's and the model's addresses */
export async function startBench(environment: Readonly<Record<string, string>> = {}): Promise<Bench> {
  await using started = new AsyncDisposableStack()
  const store = started.use(await startSpanStore())
  const model = started.use(await startTestModel())
  const programs = started.use(
    new Programs({ OTEL_EXPORTER_OTLP_ENDPOINT: store.url, MODEL_URL: model.url, ...environment }),
  )
  const owned = started.move()
  return { store, model, programs, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
