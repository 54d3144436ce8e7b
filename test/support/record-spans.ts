import { context, diag, propagation, trace, type Attributes } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type IdGenerator,
  type ReadableSpan,
  type Sampler,
  type SpanLimits,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterEach, expect } from 'vitest'

import { RunIdGenerator, RunRollupProcessor, type RollupOptions } from '../../src/index.ts'
import { forget, sweep } from '../../src/run/registry.ts'
import { defaultSettings } from '../../src/run/settings.ts'
import { shared } from '../../src/run/shared.ts'
import { saysOpen } from './says-open.ts'
import { traceText, type Shown } from './trace-text.ts'

/** The set-up of a test. */
export interface RecordOptions {
  /** `'none'`: the SDK's own ids. */
  readonly generator?: IdGenerator | 'none'
  /** `'none'`: no totals. */
  readonly rollup?: RollupOptions | 'none'
  readonly sampler?: Sampler
  readonly spanLimits?: SpanLimits
  /** Further processors, behind the rollup and before the exporter. */
  readonly processors?: readonly SpanProcessor[]
}

/** A provider of the test's own, registered, and what it has exported. */
export class RecordedSpans implements AsyncDisposable {
  readonly provider: NodeTracerProvider
  readonly #exporter: InMemorySpanExporter
  readonly #startOrder: ReadonlyMap<string, number>

  constructor(provider: NodeTracerProvider, exporter: InMemorySpanExporter, startOrder: ReadonlyMap<string, number>) {
    this.provider = provider
    this.#exporter = exporter
    this.#startOrder = startOrder
  }

  /** Every span that has ended, in the order in which they started, but for those that only say that a run is open. */
  get all(): readonly ReadableSpan[] {
    return this.#inStartOrder().filter(({ name }) => !saysOpen(name))
  }

  /** The spans that only say that a run is open: start markers and checkpoints. */
  get live(): readonly ReadableSpan[] {
    return this.#inStartOrder().filter(({ name }) => saysOpen(name))
  }

  #inStartOrder(): readonly ReadableSpan[] {
    const order = (span: ReadableSpan): number => this.#startOrder.get(span.spanContext().spanId) ?? 0
    return this.#exporter.getFinishedSpans().toSorted((a, b) => order(a) - order(b))
  }

  /** Every span that has ended, the first to end first. */
  get inEndOrder(): readonly ReadableSpan[] {
    return this.#exporter.getFinishedSpans().filter(({ name }) => !saysOpen(name))
  }

  /** The spans of one trace. */
  of(runId: string): readonly ReadableSpan[] {
    return this.all.filter((span) => span.spanContext().traceId === runId)
  }

  /** The one root span of a run that has ended. */
  root(runId: string): ReadableSpan {
    const roots = this.of(runId).filter((span) => span.parentSpanContext === undefined)
    expect(roots, `roots of ${runId}`).toHaveLength(1)
    return roots[0]!
  }

  /** The one span of that name, in whatever trace. */
  span(name: string): ReadableSpan {
    const found = this.all.filter((span) => span.name === name)
    expect(found, `spans named ${name} in\n${this.text()}`).toHaveLength(1)
    return found[0]!
  }

  /** The id of the one open run of that agent. */
  openRunId(agentName: string): string {
    const found = [...shared().open.values()].filter(
      (entry) => (entry as { agentName?: string }).agentName === agentName,
    )
    expect(found, `open runs of ${agentName}`).toHaveLength(1)
    return found[0]!.runId
  }

  /** The attributes of the one span of that name. */
  attributes(name: string): Attributes {
    return this.span(name).attributes
  }

  /** One trace as indented text. */
  tree(runId: string, shown?: Shown<ReadableSpan>): string {
    return traceText(this.of(runId), shown)
  }

  /** Every trace as indented text, in the order in which they started. */
  text(shown?: Shown<ReadableSpan>): string {
    const runIds = new Set(this.all.map((span) => span.spanContext().traceId))
    return [...runIds].map((runId) => this.tree(runId, shown)).join('\n')
  }

  /** Everything that left the process, as one text to search. */
  exportedText(): string {
    return JSON.stringify(
      this.all.map(({ name, attributes, events, links, status }) => ({
        name,
        attributes,
        events,
        links: links.map((link) => link.attributes),
        status,
      })),
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    trace.disable()
    context.disable()
    propagation.disable()
    diag.disable()
    Object.assign(shared().settings, defaultSettings())
    return Promise.resolve()
  }
}

/** Sets OpenTelemetry up for one test: `await using spans = recordSpans()`. */
export function recordSpans(options: RecordOptions = {}): RecordedSpans {
  const exporter = new InMemorySpanExporter()
  const startOrder = new Map<string, number>()
  const remembersOrder: SpanProcessor = {
    onStart: (span) => void startOrder.set(span.spanContext().spanId, startOrder.size),
    onEnd: () => {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  const { generator = new RunIdGenerator(), rollup = {}, sampler, spanLimits, processors = [] } = options
  const provider = new NodeTracerProvider({
    ...(generator === 'none' ? {} : { idGenerator: generator }),
    ...(sampler === undefined ? {} : { sampler }),
    ...(spanLimits === undefined ? {} : { spanLimits }),
    spanProcessors: [
      ...(rollup === 'none' ? [] : [new RunRollupProcessor(rollup) as SpanProcessor]),
      remembersOrder,
      ...processors,
      new SimpleSpanProcessor(exporter),
    ],
  })
  provider.register({
    contextManager: new AsyncLocalStorageContextManager(),
    propagator: new W3CTraceContextPropagator(),
  })
  const registered = trace.getTracerProvider() as { getDelegate?: () => unknown }
  if (registered.getDelegate?.() !== provider) throw new Error('another provider is still registered in this test')
  return new RecordedSpans(provider, exporter, startOrder)
}

afterEach(() => {
  const left = [...shared().open.values()]
  for (const entry of left) forget(entry, false)
  // With nothing open the sweep ends its own timer, so that the next test's clock gets one of its own.
  sweep()
  expect(
    left.map((entry) => entry.runId),
    'runs that were left open',
  ).toEqual([])
})
