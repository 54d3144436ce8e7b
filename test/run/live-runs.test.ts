import { TraceFlags } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import {
  RunSampler,
  configureRunspan,
  endRun,
  newRunId,
  recordLlmCall,
  recordToolCall,
  startRun,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { deferred } from '../support/deferred.ts'
import { useFakeClock } from '../support/fake-clock.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'

/** The spans that say that runs are open: of whose run, and which. */
function liveOf(spans: RecordedSpans): readonly string[] {
  return spans.live.map(({ name, attributes }) => `${String(attributes['gen_ai.agent.name'])}: ${name}`)
}

async function idle(): Promise<void> {}

describe('a start marker', () => {
  it('shows an open run at once: whose it is, since when, and what for', async () => {
    await using spans = recordSpans()
    const parentRunId = newRunId()
    const run = startRun('import', {
      goal: 'load rows',
      parentRunId,
      conversationId: 'c-1',
      userId: 'u-1',
      agentVersion: '7',
      input: 'rows',
    })
    // Nothing else has ended.
    expect(spans.all).toEqual([])
    const [marker] = spans.live
    expect(marker?.name).toBe('runspan started')
    expect(marker?.attributes).toEqual({
      'gen_ai.agent.name': 'import',
      'gen_ai.conversation.id': 'c-1',
      'runspan.agent.version': '7',
      'runspan.parent_run.id': parentRunId,
      'runspan.run.goal': 'load rows',
      'runspan.run.id': run.runId,
      'runspan.run.open': true,
      'user.id': 'u-1',
    })
    run.end()
    const root = spans.root(run.runId)
    expect(marker?.spanContext().traceId).toBe(run.runId)
    expect(marker?.parentSpanContext?.spanId).toBe(root.spanContext().spanId)
    expect(marker?.startTime).toEqual(root.startTime)
    expect(marker?.duration).toEqual([0, 0])
    expect(spans.live).toHaveLength(1)
  })

  it('counts as nothing: not as a span, a call, a tool, an error, or as something that is open', async () => {
    await using spans = recordSpans()
    const sums = [true, false].map((startMarker) => {
      const run = startRun('import', { startMarker })
      run.with(() => {
        recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 3, costUsd: 1 })
        recordToolCall({ name: 'search' })
      })
      return run.end().totals
    })
    expect(spans.live).toHaveLength(1)
    expect(sums[0]).toEqual(sums[1])
    expect(sums[0]).toMatchObject({ spans: 3, llmCalls: 1, toolCalls: 1, errors: 0, complete: true })
  })

  it('is left by startRun and by runs that were spawned, and by wrapAgent where it is asked for', async () => {
    await using spans = recordSpans()
    startRun('by hand').end()
    startRun('unmarked', { startMarker: false }).end()
    await wrapAgent('awaited', idle)
    await wrapAgent('asked', idle, { startMarker: true })
    await wrapAgent('parent', (run) => wrapAgent('spawned', idle, { from: run.spawn('spawned') }))
    expect(liveOf(spans)).toEqual(['by hand: runspan started', 'asked: runspan started', 'spawned: runspan started'])
    configureRunspan({ startMarkers: 'all' })
    await wrapAgent('every', idle)
    configureRunspan({ startMarkers: 'none' })
    startRun('silent').end()
    startRun('loud', { startMarker: true }).end()
    expect(liveOf(spans).slice(3)).toEqual(['every: runspan started', 'loud: runspan started'])
  })

  it('comes once of a run that is handed off: from who opened it', async () => {
    await using spans = recordSpans()
    const ref = startRun('import', { goal: 'load rows' }).handOff()
    endRun(ref)
    expect(liveOf(spans)).toEqual(['import: runspan started'])
  })

  it('is not left by a run that is recorded and not sampled: it may never leave the process', async () => {
    await using spans = recordSpans({ sampler: new RunSampler(new AlwaysOffSampler()) })
    const run = startRun('import')
    expect(run.recorded).toBe(true)
    run.end()
    // The in-memory exporter's processor passes sampled spans only; a later one would not.
    expect(spans.live.filter(({ spanContext }) => (spanContext().traceFlags & TraceFlags.SAMPLED) === 0)).toEqual([])
    expect(spans.live).toEqual([])
  })
})

describe('a checkpoint', () => {
  it('has the sums so far, as numbers of a scope of their own that are not the last', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ checkpointIntervalMillis: 1000 })
    const run = startRun('import', { goal: 'load rows' })
    run.with(() =>
      recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 3, outputTokens: 2, costUsd: 0.5 }),
    )
    clock.advance(1250)
    run.with(() => recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 4, costUsd: 0.25 }))
    clock.advance(1000)
    run.end()
    const [, first, second, ...further] = spans.live
    expect(further).toEqual([])
    expect(first?.name).toBe('runspan checkpoint')
    expect(first?.attributes).toEqual({
      'gen_ai.agent.name': 'import',
      'runspan.calls.llm': 1,
      'runspan.cost.nano_usd': 500_000_000,
      'runspan.cost.source': 'reported',
      'runspan.cost.usd': 0.5,
      'runspan.rollup.complete': false,
      'runspan.rollup.incomplete_reasons': ['checkpoint'],
      'runspan.rollup.scope': 'checkpoint',
      'runspan.run.goal': 'load rows',
      'runspan.run.id': run.runId,
      'runspan.run.open': true,
      'runspan.spans': 1,
      'runspan.usage.input_tokens': 3,
      'runspan.usage.output_tokens': 2,
    })
    expect(second?.attributes).toMatchObject({ 'runspan.calls.llm': 2, 'runspan.usage.input_tokens': 7 })
    expect(second?.parentSpanContext?.spanId).toBe(run.spanId)
    expect(spans.root(run.runId).attributes).toMatchObject({
      'runspan.spans': 3,
      'runspan.rollup.complete': true,
      'runspan.rollup.scope': 'run',
    })
  })

  it('says what is open, and what of other services is in it', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ checkpointIntervalMillis: 1000 })
    const run = startRun('import')
    const work = deferred()
    const open = run.with(() => withSpan('work', () => work.promise))
    clock.advance(1250)
    expect(spans.live[1]?.attributes).toMatchObject({
      'runspan.rollup.open_spans': 1,
      'runspan.rollup.incomplete_reasons': ['open_spans', 'checkpoint'],
    })
    work.resolve()
    await open
    run.end()
  })

  it('is written of every kind of run that lasts, by one timer, and of none that has ended', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ checkpointIntervalMillis: 1000 })
    const timersBefore = clock.timers
    const runs = Array.from({ length: 3 }, (_, index) => startRun(`run ${index}`, { startMarker: false }))
    const work = deferred()
    const agent = wrapAgent('agent', () => work.promise)
    expect(clock.timers - timersBefore).toBe(1)
    clock.advance(750)
    runs[2]!.end()
    clock.advance(500)
    expect(liveOf(spans)).toEqual(['run 0', 'run 1', 'agent'].map((agentName) => `${agentName}: runspan checkpoint`))
    work.resolve()
    for (const run of runs.slice(0, 2)) run.end()
    await agent
    clock.advance(60_000)
    expect(spans.live).toHaveLength(3)
    expect(clock.timers).toBe(timersBefore)
  })

  it('does not keep a run from being abandoned, and is not written of one that was handed off', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ checkpointIntervalMillis: 1000, abandonAfterMillis: 5000 })
    const silent = startRun('silent', { startMarker: false })
    startRun('handed off', { startMarker: false }).handOff()
    clock.advance(6000)
    expect(spans.root(silent.runId).attributes['runspan.run.status']).toBe('abandoned')
    expect(new Set(liveOf(spans))).toEqual(new Set(['silent: runspan checkpoint']))
  })

  it('comes of a bounded number of runs at a time, of each in its turn', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ checkpointIntervalMillis: 1000 })
    const runs = Array.from({ length: 600 }, () => startRun('one of many', { startMarker: false }))
    clock.advance(1250)
    expect(spans.live).toHaveLength(256)
    clock.advance(500)
    expect(new Set(spans.live.map(({ attributes }) => attributes['runspan.run.id'])).size).toBe(600)
    for (const run of runs) run.end()
  })

  it('is written by no run where it is switched off', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    configureRunspan({ checkpointIntervalMillis: false })
    const run = startRun('import')
    clock.advance(3_600_000)
    run.end()
    expect(liveOf(spans)).toEqual(['import: runspan started'])
  })
})

describe('options of both', () => {
  it.each([
    [{ startMarkers: 'some' }, "startMarkers: some cannot be used. Use 'none', 'detached' or 'all'."],
    [{ checkpointIntervalMillis: 99 }, 'checkpointIntervalMillis: 99 cannot be used.'],
    [{ checkpointIntervalMillis: true }, 'checkpointIntervalMillis: true cannot be used.'],
    [{ checkpointIntervalMillis: Number.NaN }, 'checkpointIntervalMillis: NaN cannot be used.'],
  ])('are refused where they cannot work: %o', (options, message) => {
    expect(() => configureRunspan(options as never)).toThrow(message)
  })
})
