import { NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import type { Attributes, Tracer } from '@opentelemetry/api'

import { shared } from '../../../src/run/shared.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { RunspanSpanProcessor, type DeliveryOptions, type DestinationStats } from '../../../src/export/index.ts'

/** A processor at work, in a provider of its own. */
export interface Delivering extends AsyncDisposable {
  readonly processor: RunspanSpanProcessor
  readonly tracer: Tracer
  /** Ends spans of these names. */
  end(...spanNames: readonly string[]): void
  /** Ends a span with attributes. */
  endWith(name: string, attributes: Attributes): void
  /** The account of the only destination, or of one by name. */
  stats(destination?: string): DestinationStats
}

/** Delivers spans of a real SDK: `await using delivering = deliver({ url: collector.url })`. */
export function deliver(options: DeliveryOptions): Delivering {
  const processor = new RunspanSpanProcessor(options)
  const provider = new NodeTracerProvider({ spanProcessors: [processor] })
  const tracer = provider.getTracer('test')
  return {
    processor,
    tracer,
    end(...spanNames) {
      for (const name of spanNames) tracer.startSpan(name).end()
    },
    endWith: (name, attributes) => tracer.startSpan(name, { attributes }).end(),
    stats(name) {
      const all = processor.stats()
      return name === undefined ? all[0]! : all.find(({ destination }) => destination === name)!
    },
    async [Symbol.asyncDispose]() {
      const isShutDown = processor.shutdown()
      const { clock } = shared()
      // Where nothing can be delivered any more, the deadline is what ends a shutdown.
      if (clock instanceof FakeClock) clock.advance(options.flushTimeoutMillis ?? 10_000)
      await isShutDown
    },
  }
}

/** `prefix 0`, `prefix 1` … */
export function names(count: number, prefix = 'span'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`)
}

/** How many spans an account has a place for; those started and adopted where nothing is missing or double. */
export function accounted(stats: DestinationStats): number {
  const dropped = Object.values(stats.droppedSpans).reduce((sum, spans) => sum + spans, 0)
  return (
    stats.openSpans +
    stats.unsampledSpans +
    stats.lateSpans +
    stats.queuedSpans +
    stats.inFlightSpans +
    stats.spooledSpans +
    stats.exportedSpans +
    stats.rejectedSpans +
    dropped
  )
}

/** Ended spans as an exporter is handed them. */
export function endedSpans(...spanNames: readonly string[]): readonly ReadableSpan[] {
  const ended: ReadableSpan[] = []
  const provider = new NodeTracerProvider({
    spanProcessors: [
      {
        onStart: () => {},
        onEnd: (span) => void ended.push(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  })
  for (const name of spanNames) provider.getTracer('test').startSpan(name).end()
  return ended
}
