import { context, propagation, trace, type Tracer } from '@opentelemetry/api'
import { AlwaysOffSampler, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { RunIdGenerator, RunRollupProcessor, doctor } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'

const codes = async (): Promise<readonly string[]> => (await doctor()).map((finding) => finding.code)

describe('doctor', () => {
  it('finds nothing where all is well, and leaves nothing behind', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    expect(await doctor()).toEqual([])
    expect(spans.all).toEqual([])
    expect(counts()).toEqual({})
  })

  it('finds that nothing is set up, the gravest first', async () => {
    const findings = await doctor()
    expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['no_provider', 'error'],
      ['no_context_manager', 'error'],
      ['propagator_missing', 'warning'],
    ])
    for (const { message, fix } of findings) expect([message, fix].every((text) => /^[A-Z].*\.$/.test(text))).toBe(true)
  })

  it('finds a provider that is registered through an api too old for ours', async () => {
    const key = Symbol.for('opentelemetry.js.api.1')
    const host = globalThis as { [key: symbol]: unknown }
    const before = host[key]
    host[key] = { version: '1.3.0', trace: { getTracer: () => undefined } }
    try {
      const [first] = await doctor()
      expect(first).toMatchObject({ code: 'api_copies', severity: 'error' })
      expect(first?.message).toContain('1.3.0')
    } finally {
      host[key] = before
    }
    // The control: with a global that is not of another copy's making there is just no provider.
    expect(await codes()).toContain('no_provider')
  })

  it('finds a missing generator', async () => {
    await using spans = recordSpans({ generator: 'none' })
    expect(await codes()).toEqual(['generator_missing'])
    expect(spans.all).toEqual([])
  })

  it('finds a missing rollup, and one that stands behind another processor', async () => {
    {
      await using spans = recordSpans({ rollup: 'none' })
      expect(await codes()).toEqual(['rollup_missing'])
      expect(spans.all).toEqual([])
    }
    await using spans = recordSpans({ rollup: 'none', processors: [new RunRollupProcessor()] })
    expect(await codes()).toEqual(['rollup_after_exporter'])
    expect(spans.all).toEqual([])
  })

  it('finds that nothing exports', async () => {
    const processors = [new RunRollupProcessor()]
    new NodeTracerProvider({ idGenerator: new RunIdGenerator(), spanProcessors: processors }).register()
    try {
      expect((await doctor()).map(({ code, severity }) => [code, severity])).toEqual([['exporter_missing', 'error']])
    } finally {
      trace.disable()
      context.disable()
      propagation.disable()
    }
  })

  it('finds that runs are not sampled', async () => {
    await using spans = recordSpans({ sampler: new AlwaysOffSampler() })
    expect(await codes()).toEqual(['not_sampled'])
    expect(spans.all).toEqual([])
  })

  it('finds a missing context manager and propagator', async () => {
    await using spans = recordSpans()
    context.disable()
    propagation.disable()
    expect(await codes()).toEqual(['no_context_manager', 'propagator_missing'])
    expect(spans.all).toEqual([])
  })

  // The real products: test/lanes/owners.test.ts. What is here is what they register.
  it('finds that Sentry or dd-trace owns the provider, and nothing where they only take part in it', async () => {
    class SentryTracerProvider extends NodeTracerProvider {}
    class SentrySpanProcessor extends NoProcessor {}
    const sdk = new NodeTracerProvider()
    for (const provider of [
      new SentryTracerProvider(),
      new NodeTracerProvider({ spanProcessors: [new SentrySpanProcessor()] }),
      { getTracer: (name: string) => sdk.getTracer(name), _registeredSpanProcessors: [new SentrySpanProcessor()] },
    ]) {
      await using _ = recordSpans()
      trace.disable()
      trace.setGlobalTracerProvider(provider)
      expect(await codes()).toEqual(['sentry_owns_provider'])
    }
    {
      await using _ = recordSpans()
      trace.disable()
      const span = Object.assign(new NodeTracerProvider().getTracer('t').startSpan('s'), { _ddSpan: {} })
      trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: () => span }) as unknown as Tracer })
      expect(await codes()).toEqual(['datadog_owns_provider'])
    }
    // The control: a provider of the application's own that Sentry takes part in.
    await using _ = recordSpans({ processors: [new SentrySpanProcessor()] })
    expect(await codes()).toEqual([])
  })
})

class NoProcessor implements SpanProcessor {
  onStart(): void {}
  onEnd(): void {}
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}
