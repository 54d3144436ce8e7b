import { trace } from '@opentelemetry/api'
import { AlwaysOffSampler, InMemorySpanExporter } from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { RunspanSpanProcessor } from '../../src/export/index.ts'
import { RunSampler, RunSamplingProcessor, doctor, startRun, wrapAgent } from '../../src/index.ts'
import { startReceiver } from '../../src/viewer/receiver/index.ts'
import { chat, emitSpans } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'
import { forgetRegistration, register } from './registered.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  forgetRegistration()
})

describe('registerRunspan', () => {
  it('knows the totals of runs that OTEL_TRACES_SAMPLER drops, and exports none of them', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off')
    const exporter = new InMemorySpanExporter()
    await using registered = register({ exporter, rollup: { prices: 'none' } })
    expect((await doctor()).map(({ code }) => code)).toEqual([])
    const { ended } = await wrapAgent('planner', () => emitSpans([chat(100)]))
    trace.getTracer('app').startSpan('GET /health').end()
    expect((await ended).totals).toMatchObject({ inputTokens: 100, complete: true })
    expect(await registered.telemetry.flush()).toMatchObject({ exportedSpans: 0 })
    expect(exporter.getFinishedSpans()).toEqual([])
  })

  it('decides per run what leaves, beside what the environment samples', async () => {
    vi.stubEnv('OTEL_TRACES_SAMPLER', 'always_off')
    const exporter = new InMemorySpanExporter()
    await using registered = register({ exporter, sampling: { keep: { failed: true } }, rollup: { prices: 'none' } })
    const { runId } = await wrapAgent('planner', () => emitSpans([chat(100)]))
    await expect(
      wrapAgent('breaker', () => {
        emitSpans([chat(7)])
        throw new Error('broken')
      }),
    ).rejects.toThrow('broken')
    expect(await registered.telemetry.flush()).toMatchObject({ exportedSpans: 3, failedSpans: 0, droppedSpans: 0 })
    const left = exporter.getFinishedSpans()
    expect(left.map(({ name }) => name)).toEqual(['invoke_agent planner', 'chat', 'invoke_agent breaker'])
    expect(left[0]!.spanContext()).toMatchObject({ traceId: runId, traceFlags: 1 })
    expect(left[0]!.attributes).toMatchObject({
      'runspan.usage.input_tokens': 100,
      'runspan.sampling.reason': 'root_only',
    })
    expect(left[2]!.attributes['runspan.sampling.reason']).toBe('failed')
  })

  it('lets a ratio decide in place of the sampler', async () => {
    const exporter = new InMemorySpanExporter()
    await using registered = register({ exporter, sampling: { ratio: 0, rest: 'nothing' } })
    await wrapAgent('planner', () => emitSpans([chat(1)]))
    trace.getTracer('app').startSpan('GET /orders').end()
    await registered.telemetry.flush()
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(['GET /orders'])
  })

  it('keeps an even account of spans, those that do not leave among them', async () => {
    const received: string[] = []
    const receiver = await startReceiver({ onSpans: (spans) => void received.push(...spans.map(({ name }) => name)) })
    try {
      const delivering = new RunspanSpanProcessor({ url: `${receiver.url}/v1/traces` })
      await using spans = recordSpans({
        sampler: new RunSampler(new AlwaysOffSampler()),
        processors: [new RunSamplingProcessor(delivering, { keep: { failed: true } })],
      })
      await wrapAgent('planner', () => emitSpans([chat(1), chat(1)]))
      await wrapAgent('breaker', () => emitSpans([chat(1)]))
      startRun('failing').end({ status: 'failed' })
      await spans.provider.forceFlush()
      expect(delivering.stats()).toMatchObject([{ startedSpans: 6, openSpans: 0, unsampledSpans: 3, exportedSpans: 3 }])
      expect(received).toEqual(['planner', 'breaker', 'failing'].map((name) => `invoke_agent ${name}`))
      await spans.provider.shutdown()
    } finally {
      await receiver.close()
    }
  })

  it.each([
    [{ sampling: 'roots' }, 'Failed to configure sampling: roots cannot be used. Pass an object of sampling options.'],
    [{ sampling: { ratio: 7 } }, 'Failed to configure ratio: 7 cannot be used. Pass a number from 0 to 1.'],
    [
      { sampling: { keep: { slow: 7 } } },
      'Failed to configure keep: it has no option slow. Did you mean slowerThanMillis?',
    ],
  ])('refuses %o', (options, message) => {
    expect(() => register(options as never)).toThrow(message)
  })
})
