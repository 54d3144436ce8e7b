import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { AlwaysOffSampler, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { expect, it } from 'vitest'

import { RunIdGenerator, RunRollupProcessor, RunSampler, RunSamplingProcessor, startRun } from '../../src/index.ts'
import { heapSlope, noSlope } from '../support/heap-slope.ts'

const exporting = new SimpleSpanProcessor({
  export: (_spans, done) => done({ code: 0 }),
  shutdown: () => Promise.resolve(),
})

it.each([
  ['dropped', { keep: { failed: true } }],
  ['kept', { keep: { decide: () => true } }],
  ['given up', { keep: { failed: true }, maxSpansPerRun: 1 }],
])('runs that were held and are %s leave nothing behind', async (_what, options) => {
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    sampler: new RunSampler(new AlwaysOffSampler()),
    spanProcessors: [
      new RunRollupProcessor({ maxClosedRuns: 1000, prices: 'none' }),
      new RunSamplingProcessor(exporting, options),
    ],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  try {
    const tracer = provider.getTracer('memory')
    const unit = (): void => {
      const run = startRun('planner', { tracer })
      run.with(() => {
        for (const name of ['a', 'b']) tracer.startSpan(name, { attributes: { text: 'x'.repeat(100) } }).end()
      })
      run.end()
    }
    expect(await heapSlope(unit, { warmUp: 20_000, units: 20_000 })).toBeLessThanOrEqual(noSlope)
  } finally {
    context.disable()
    trace.disable()
  }
})
