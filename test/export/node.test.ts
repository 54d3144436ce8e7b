import { context, diag, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { registerRunspan, type RegisterOptions } from '../../src/export/node.ts'
import {
  currentRunId,
  doctor,
  newRunId,
  propagationHeaders,
  recordLlmCall,
  RunspanError,
  wrapAgent,
} from '../../src/index.ts'
import { forgetRegistration, recordDiag, register } from './registered.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  forgetRegistration()
})

describe('registerRunspan', () => {
  it('registers a provider in which doctor finds nothing', async () => {
    const exporter = keptExporter()
    await using registered = register({ exporter })
    expect(await doctor()).toEqual([])

    const runId = newRunId()
    await wrapAgent('planner', () => recordLlmCall({ model: 'm', provider: 'acme', inputTokens: 5 }), { runId })
    expect(await registered.telemetry.flush()).toMatchObject({ status: 'completed', exportedSpans: 2, failedSpans: 0 })

    const [call, root] = exporter.kept as [ReadableSpan, ReadableSpan]
    expect(root.spanContext()).toMatchObject({ traceId: runId, spanId: runId.slice(16) })
    expect(root.attributes).toMatchObject({ 'runspan.usage.input_tokens': 5, 'runspan.rollup.complete': true })
    expect(call.parentSpanContext?.spanId).toBe(runId.slice(16))
  })

  it('puts further processors behind its own, where they see the totals', async () => {
    const seen: unknown[] = []
    const processor: SpanProcessor = {
      onStart: () => {},
      onEnd: (span) => void seen.push(span.attributes['runspan.rollup.complete']),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
    await using _ = register({ exporter: keptExporter(), spanProcessors: [processor] })
    await wrapAgent('planner', () => {})
    expect(seen).toEqual([true])
  })

  it.each([undefined, false] as const)('adopts agents that nobody wrapped, unless told not to (%s)', async (adopt) => {
    const exporter = keptExporter()
    await using registered = register({ exporter, rollup: { prices: 'none', adopt } })
    const attributes = { 'gen_ai.operation.name': 'invoke_agent' }
    trace.getTracer('framework').startSpan('agent', { attributes }).end()
    await registered.telemetry.flush()
    expect(exporter.kept[0]!.attributes['runspan.rollup.scope']).toBe(adopt === false ? undefined : 'run')
  })

  it('takes the ids that it does not decide from the generator it is given', async () => {
    const exporter = keptExporter()
    let asked = 0
    const idGenerator = {
      generateTraceId: () => '1'.repeat(32),
      generateSpanId: () => String(++asked).padStart(16, '0'),
    }
    await using registered = register({ exporter, idGenerator })
    const { runId } = await wrapAgent('planner', () => recordLlmCall({ model: 'm', provider: 'acme' }))
    trace.getTracer('other').startSpan('elsewhere').end()
    await registered.telemetry.flush()
    expect(exporter.kept.map((span) => span.spanContext().spanId)).toEqual([
      '0000000000000001',
      runId.slice(16),
      '0000000000000002',
    ])
  })

  it('uses the sampler of the options before that of the environment', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_on')
    const exporter = keptExporter()
    await using registered = register({ exporter, sampler: new AlwaysOffSampler() })
    await wrapAgent('planner', () => {})
    expect(await registered.telemetry.flush()).toMatchObject({ status: 'completed', exportedSpans: 0 })
  })

  it('passes the settings of runs on', async () => {
    const exporter = keptExporter()
    await using registered = register({ exporter, content: 'off' })
    await wrapAgent('planner', () => {}, { input: 'secret' })
    await registered.telemetry.flush()
    expect(JSON.stringify(exporter.kept.map((span) => span.attributes))).not.toContain('secret')
  })

  it.each<[string, RegisterOptions, string]>([
    ['serviceName', { serviceName: '' }, 'Pass a name.'],
    ['resourceAttributes', { resourceAttributes: [] as never }, 'Pass an object'],
    ['exporter', { exporter: {} as never }, "Pass a span exporter, or 'stock'."],
    ['delivery', { delivery: {} }, 'Leave it or the exporter out'],
    ['sampler', { sampler: 'always_on' as never }, 'Pass a sampler.'],
    ['idGenerator', { idGenerator: {} as never }, 'generateTraceId()'],
    ['spanProcessors', { spanProcessors: [{} as never] }, 'Pass an array of span processors.'],
    ['flushTimeoutMillis', { flushTimeoutMillis: 0 }, 'at least 1'],
    ['exitSignals', { exitSignals: 'yes' as never }, 'Pass true or false.'],
    ['content', { content: 'everything' as never }, "'explicit'"],
    ['maxOpenRuns', { rollup: { maxOpenRuns: 0 } }, 'at least 1'],
    ['carryRuns', { carryTo: 'search' as never }, 'Name the hosts'],
    ['registerRunspan', { servicename: 'planner' } as never, 'no option servicename. Did you mean serviceName? Known'],
    ['RunRollupProcessor', { rollup: { stamps: 'all' } as never }, 'no option stamps. Did you mean stamp? Known are'],
    ['sampling', { sampling: { ratoi: 0.1 } as never }, 'no option ratoi. Did you mean ratio? Known are keep,'],
  ])('refuses a bad %s with its name, its value and advice', (name, options, advice) => {
    const error = caught(() => registerRunspan({ exporter: keptExporter(), ...options }))
    expect(error).toMatchObject({ name: 'RunspanError', code: 'bad_configuration' })
    expect((error as Error).message).toContain(`configure ${name}`)
    expect((error as Error).message).toContain(advice)
    expect(trace.getTracer('after').startSpan('nothing is registered').isRecording()).toBe(false)
  })

  it('does not replace a provider that is registered, and says what to add to it', () => {
    const provider = new NodeTracerProvider()
    trace.setGlobalTracerProvider(provider)
    const error = caught(() => registerRunspan())
    expect(RunspanError.is(error) && error.code).toBe('bad_configuration')
    expect((error as Error).message).toContain('idGenerator: new RunIdGenerator()')
    expect((error as Error).message).toContain('new RunRollupProcessor() first in spanProcessors')
    expect((trace.getTracerProvider() as unknown as { getDelegate(): unknown }).getDelegate()).toBe(provider)
  })

  it('keeps a context manager and a propagator that the application has registered', async () => {
    const manager = new AsyncLocalStorageContextManager().enable()
    context.setGlobalContextManager(manager)
    propagation.setGlobalPropagator({ inject: () => {}, extract: (ctx) => ctx, fields: () => ['x-own'] })
    const { warnings } = recordDiag()
    await using _ = register({ exporter: keptExporter() })
    expect(propagation.fields()).toEqual(['x-own'])
    expect(warnings).toEqual([expect.stringContaining('OTEL_PROPAGATORS is not read')])
    await wrapAgent('planner', () => expect(currentRunId()).toBeDefined())
  })

  it('returns the first registration when it is called again, with a warning', async () => {
    await using registered = register({ exporter: keptExporter() })
    const { warnings } = recordDiag()
    expect(registerRunspan({ serviceName: 'other' })).toBe(registered.telemetry)
    expect(warnings).toEqual([expect.stringContaining('the first registration stands')])
  })

  it('keeps runs working and records nothing with OTEL_SDK_DISABLED', async () => {
    vi.stubEnv('OTEL_SDK_DISABLED', 'TRUE')
    const exporter = keptExporter()
    await using registered = register({ exporter })
    const { result } = await wrapAgent('planner', async (run) => {
      await Promise.resolve()
      return { recorded: run.recorded, isCurrent: currentRunId() === run.runId }
    })
    expect(result).toEqual({ recorded: false, isCurrent: true })
    expect(await registered.telemetry.flush()).toMatchObject({ status: 'completed', exportedSpans: 0 })
    expect(exporter.kept).toEqual([])
  })

  it.each([
    ['unset', undefined, ['traceparent', 'tracestate', 'baggage']],
    ['tracecontext', 'tracecontext', ['traceparent', 'tracestate']],
    ['baggage', ' Baggage ', ['baggage']],
    ['none', 'none', []],
  ])('registers the propagators that OTEL_PROPAGATORS asks for: %s', async (_title, value, fields) => {
    if (value !== undefined) vi.stubEnv('OTEL_PROPAGATORS', value)
    await using _ = register({ exporter: keptExporter() })
    expect(propagation.fields()).toEqual(fields)
    await wrapAgent('planner', () => expect(propagationHeaders()).toHaveProperty('traceparent'))
  })

  it('names propagators, exporters and samplers that it does not know, and goes on without them', async () => {
    vi.stubEnv('OTEL_PROPAGATORS', 'b3,tracecontext')
    vi.stubEnv('OTEL_TRACES_EXPORTER', 'zipkin')
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'sometimes')
    vi.stubEnv('OTEL_BSP_MAX_QUEUE_SIZE', 'many')
    const { warnings } = recordDiag()
    await using _ = register()
    expect(propagation.fields()).toEqual(['traceparent', 'tracestate'])
    expect(warnings.join('\n')).toMatch(/zipkin[^]*OTEL_BSP_MAX_QUEUE_SIZE=many[^]*sometimes[^]*b3/)
  })

  it('leaves a logger of the application in its place', async () => {
    vi.stubEnv('OTEL_LOG_LEVEL', 'WARN')
    const { warnings } = recordDiag()
    await using _ = register({ exporter: keptExporter() })
    diag.warn('mine')
    expect(warnings).toEqual(['mine'])
  })
})

/** An in-memory exporter that still has its spans after a shutdown. */
class KeptExporter extends InMemorySpanExporter {
  readonly kept: ReadableSpan[] = []

  override export(...[spans, resultCallback]: Parameters<InMemorySpanExporter['export']>): void {
    this.kept.push(...spans)
    super.export(spans, resultCallback)
  }
}

function keptExporter(): KeptExporter {
  return new KeptExporter()
}

function caught(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
