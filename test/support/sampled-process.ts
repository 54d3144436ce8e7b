import type { Attributes, Tracer } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'

import { RunIdGenerator, RunRollupProcessor, type RollupOptions } from '../../src/index.ts'

/** The set-up of a process that samples. */
export interface SampledProcessOptions {
  readonly sampler?: Sampler
  readonly rollup?: RollupOptions
  /** Puts something around the exporting processor. */
  readonly around?: (exporting: SpanProcessor) => SpanProcessor
}

/**
 * A provider of its own beside the registered one, as another process would have it: what its processors saw of
 * recorded spans, and what has left.
 */
export class SampledProcess {
  readonly provider: NodeTracerProvider
  readonly #seen: ReadableSpan[] = []
  readonly #exporter = new InMemorySpanExporter()

  constructor({ sampler, rollup = {}, around = (exporting) => exporting }: SampledProcessOptions = {}) {
    const sees: SpanProcessor = {
      onStart: () => {},
      onEnd: (span) => void this.#seen.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
    this.provider = new NodeTracerProvider({
      idGenerator: new RunIdGenerator(),
      ...(sampler === undefined ? {} : { sampler }),
      spanProcessors: [
        new RunRollupProcessor({ prices: 'none', ...rollup }),
        sees,
        around(new SimpleSpanProcessor(this.#exporter)),
      ],
    })
  }

  get tracer(): Tracer {
    return this.provider.getTracer('sampled')
  }

  /** Everything that reached its processors, the first to end first. */
  get seen(): readonly ReadableSpan[] {
    return this.#seen
  }

  /** Everything that left, in its order. */
  get exported(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans()
  }

  /** Names of what left of a trace, in its order. */
  exportedNames(traceId: string): readonly string[] {
    return this.exported.filter((span) => span.spanContext().traceId === traceId).map((span) => span.name)
  }

  /** The numbers of a run: rollups of its roots and what amends them, in their order. */
  numbersOf(traceId: string, spans: readonly ReadableSpan[] = this.seen): readonly Attributes[] {
    return spans
      .filter((span) => span.spanContext().traceId === traceId && span.attributes['runspan.rollup.scope'] !== undefined)
      .map(({ attributes }) =>
        Object.fromEntries(
          Object.entries(attributes).filter(([key]) => key.startsWith('runspan.') && !key.endsWith('run.id')),
        ),
      )
  }

  /** Forgets what was seen and what has left. */
  reset(): void {
    this.#seen.length = 0
    this.#exporter.reset()
  }
}
