import type { Attributes, ContextManager, TextMapPropagator, TracerProvider } from '@opentelemetry/api'

import type { SpanProcessorLike } from '../rollup/span-like.ts'
import type { IdGeneratorLike } from '../run/run-id-generator.ts'
import type { SamplerLike } from '../sampling/sampler-like.ts'

/** How an export ended: code 0 is success. */
export interface ExportResultLike {
  readonly code: number
  readonly error?: Error
}

/** OpenTelemetry's `SpanExporter`, structurally: the SDK's types differ between its majors. */
export interface SpanExporterLike {
  export(spans: never, resultCallback: (result: ExportResultLike) => void): void
  shutdown(): Promise<void>
  forceFlush?(): Promise<void>
}

/** OpenTelemetry's `Resource`, as far as the preset puts one together. */
export interface ResourceLike {
  merge(other: ResourceLike | null): ResourceLike
}

/** Limits on what one span holds. What is left out has the SDK's default. */
export interface SpanLimits {
  readonly attributeCountLimit?: number
  readonly attributeValueLengthLimit?: number
  readonly eventCountLimit?: number
  readonly linkCountLimit?: number
  readonly attributePerEventCountLimit?: number
  readonly attributePerLinkCountLimit?: number
}

/** Settings of the batch processor. */
export interface BatchOptions {
  readonly maxQueueSize: number
  readonly maxExportBatchSize: number
  readonly scheduledDelayMillis: number
  readonly exportTimeoutMillis: number
}

/** What a provider is made with, the same on both lines. */
export interface ProviderOptions {
  readonly idGenerator: IdGeneratorLike
  readonly resource: ResourceLike
  readonly sampler: SamplerLike
  readonly spanLimits: SpanLimits
  readonly spanProcessors: readonly SpanProcessorLike[]
}

/** A provider of either line. */
export interface SdkProvider extends TracerProvider {
  shutdown(): Promise<void>
}

type New<Args extends readonly unknown[], T> = new (...args: Args) => T

/** What the preset takes from `@opentelemetry/sdk-trace-node` 2.x, or from `@opentelemetry/sdk-trace`. */
export interface TraceModule {
  readonly NodeTracerProvider?: New<[ProviderOptions], SdkProvider>
  readonly TracerProvider?: New<[ProviderOptions], SdkProvider>
  readonly BatchSpanProcessor: New<[unknown, unknown?], SpanProcessorLike>
  readonly SimpleSpanProcessor: New<[unknown], SpanProcessorLike>
  readonly ConsoleSpanExporter: New<[], SpanExporterLike>
  readonly AlwaysOnSampler: New<[], SamplerLike>
  readonly AlwaysOffSampler: New<[], SamplerLike>
  readonly ParentBasedSampler: New<[{ readonly root: SamplerLike }], SamplerLike>
  readonly TraceIdRatioBasedSampler: New<[number], SamplerLike>
}

/** What the preset takes from `@opentelemetry/core`. */
export interface CoreModule {
  readonly CompositePropagator: New<[{ readonly propagators: readonly TextMapPropagator[] }], TextMapPropagator>
  readonly W3CTraceContextPropagator: New<[], TextMapPropagator>
  readonly W3CBaggagePropagator: New<[], TextMapPropagator>
}

/** What the preset takes from `@opentelemetry/context-async-hooks`. */
export interface ContextModule {
  readonly AsyncLocalStorageContextManager: New<[], ContextManager>
}

/** What the preset takes from `@opentelemetry/resources`. */
export interface ResourcesModule {
  defaultResource(): ResourceLike
  resourceFromAttributes(attributes: Attributes): ResourceLike
  detectResources(config: { readonly detectors: readonly unknown[] }): ResourceLike
  readonly envDetector: unknown
}

/** What the preset takes from an OTLP exporter package. */
export interface OtlpModule {
  readonly OTLPTraceExporter: New<[{ readonly concurrencyLimit: number }], SpanExporterLike>
}

/**
 * The SDK that the application has installed, whichever line it is of. Since 2.9 the code is `sdk-trace`, and from 3.0
 * on that is the only package; its constructors take one object where `sdk-trace-node` takes positions.
 */
export class TraceSdk {
  readonly #trace: TraceModule
  readonly core: CoreModule
  readonly context: ContextModule
  readonly resources: ResourcesModule

  constructor(trace: TraceModule, core: CoreModule, context: ContextModule, resources: ResourcesModule) {
    this.#trace = trace
    this.core = core
    this.context = context
    this.resources = resources
  }

  createProvider(options: ProviderOptions): SdkProvider {
    const { NodeTracerProvider, TracerProvider } = this.#trace
    return NodeTracerProvider === undefined ? new TracerProvider!(options) : new NodeTracerProvider(options)
  }

  createBatchProcessor(exporter: SpanExporterLike, options: BatchOptions): SpanProcessorLike {
    const { BatchSpanProcessor } = this.#trace
    return this.#isPositional
      ? new BatchSpanProcessor(exporter, options)
      : new BatchSpanProcessor({ exporter, ...options })
  }

  createSimpleProcessor(exporter: SpanExporterLike): SpanProcessorLike {
    const { SimpleSpanProcessor } = this.#trace
    return this.#isPositional ? new SimpleSpanProcessor(exporter) : new SimpleSpanProcessor({ exporter })
  }

  createConsoleExporter(): SpanExporterLike {
    return new this.#trace.ConsoleSpanExporter()
  }

  /** The sampler classes, which are the same on both lines. */
  get samplers(): Pick<
    TraceModule,
    'AlwaysOnSampler' | 'AlwaysOffSampler' | 'ParentBasedSampler' | 'TraceIdRatioBasedSampler'
  > {
    return this.#trace
  }

  get #isPositional(): boolean {
    return this.#trace.NodeTracerProvider !== undefined
  }
}
