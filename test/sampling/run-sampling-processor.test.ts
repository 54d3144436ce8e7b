import { context, type Context, type Span } from '@opentelemetry/api'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import {
  RunSampler,
  RunSamplingProcessor,
  startRun,
  type OpenRun,
  type RunOptions,
  type RunSamplingOptions,
  type SampledRun,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { chat, usage } from '../support/emit-spans.ts'
import { useFakeClock } from '../support/fake-clock.ts'
import { recordSpans } from '../support/record-spans.ts'
import { SampledProcess } from '../support/sampled-process.ts'

const off = (): Sampler => new RunSampler(new AlwaysOffSampler())

/** A process whose sampler samples nothing, so that all is decided at the end of runs. */
function processKeeping(options: RunSamplingOptions, sampler: Sampler = off()): SampledProcess {
  return new SampledProcess({ sampler, around: (exporting) => new RunSamplingProcessor(exporting, options) })
}

/** A run of that process, for tests that end its spans by hand. */
class Work {
  readonly run: OpenRun
  readonly context: Context
  readonly #process: SampledProcess

  constructor(process: SampledProcess, options: RunOptions = {}) {
    this.#process = process
    this.run = startRun('planner', { tracer: process.tracer, startMarker: false, ...options })
    this.context = this.run.with(() => context.active())
  }

  /** A span below the root that has ended. */
  step(name: string, attributes: object = {}): this {
    this.start(name, attributes).end()
    return this
  }

  start(name: string, attributes: object = {}): Span {
    return this.#process.tracer.startSpan(name, { attributes: { ...attributes } }, this.context)
  }

  /** What has left of the run, in its order. */
  get left(): readonly string[] {
    return this.#process.exportedNames(this.run.runId)
  }

  /** The root as it left. */
  get root(): ReadableSpan {
    const root = this.#process.exported.find(
      (span) => span.spanContext().spanId === this.run.spanId && span.spanContext().traceId === this.run.runId,
    )
    if (root === undefined) throw new Error(`the root of ${this.run.runId} has not left`)
    return root
  }
}

const whole = ['a', 'b', 'invoke_agent planner']
const rootOnly = ['invoke_agent planner']

describe('what leaves', () => {
  it('is the root alone, with the totals, of a run that nothing speaks for', async () => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const process = processKeeping({})
    const work = new Work(process).step('a', chat(100).attributes).step('b')
    work.run.end()
    expect(work.left).toEqual(rootOnly)
    expect(work.root.attributes).toMatchObject({
      'runspan.usage.input_tokens': 100,
      'runspan.spans': 3,
      'runspan.sampling.reason': 'root_only',
      'runspan.sampling.dropped_spans': 2,
    })
    expect(work.root.spanContext().traceFlags).toBe(1)
    expect(counts()).toMatchObject({ runsSampledOut: 1, spansSampledOut: 2 })
    expect(registered.all).toEqual([])
  })

  it('is nothing where the rest is to be nothing', async () => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const work = new Work(processKeeping({ rest: 'nothing', keep: { failed: true } })).step('a')
    work.run.end()
    expect(work.left).toEqual([])
    expect(counts()).toMatchObject({ runsSampledOut: 1, spansSampledOut: 2 })
    expect(registered.all).toEqual([])
  })

  it('is all of a run that the sampler sampled, as it is and at once', async () => {
    await using registered = recordSpans()
    const process = processKeeping({ keep: { failed: true } }, new RunSampler(new AlwaysOnSampler()))
    const work = new Work(process).step('a')
    expect(work.left).toEqual(['a'])
    work.step('b').run.end()
    expect(work.left).toEqual(whole)
    expect(process.exported.every((span) => process.seen.includes(span))).toBe(true)
    expect(work.root.attributes['runspan.sampling.reason']).toBeUndefined()
    expect(registered.all).toEqual([])
  })

  it('is not what the sampler left out of a run that it sampled', async () => {
    await using registered = recordSpans()
    const dropsNoise: Sampler = {
      shouldSample: (_context, _traceId, name) => ({ decision: name === 'noise' ? 0 : 2 }),
      toString: () => 'drops noise',
    }
    const keep = { failed: true }
    const process = processKeeping({ keep }, new RunSampler(dropsNoise))
    const work = new Work(process).step('noise').step('a').step('b')
    work.run.end({ status: 'failed' })
    expect(work.left).toEqual(whole)
    expect(work.root.attributes['runspan.spans']).toBe(4)
    expect(registered.all).toEqual([])
  })

  it('is a span that the sampler sampled in a run that it did not sample', async () => {
    await using registered = recordSpans()
    const onlyCalls: Sampler = {
      shouldSample: (_context, _traceId, name) => ({ decision: name === 'a' ? 2 : 0 }),
      toString: () => 'only a',
    }
    const work = new Work(processKeeping({ keep: { failed: true } }, new RunSampler(onlyCalls))).step('a')
    expect(work.left).toEqual(['a'])
    work.step('b').run.end()
    expect(work.left).toEqual(['a', 'invoke_agent planner'])
    expect(work.root.attributes['runspan.sampling.dropped_spans']).toBe(1)
    expect(registered.all).toEqual([])
  })

  it('is every sampled span outside of runs, and no other', async () => {
    await using registered = recordSpans()
    const on = processKeeping({ rest: 'nothing' }, new RunSampler(new AlwaysOnSampler()))
    on.tracer.startSpan('GET /health').end()
    expect(on.exported.map((span) => span.name)).toEqual(['GET /health'])
    const none = processKeeping({})
    none.tracer.startSpan('GET /health').end()
    expect(none.exported).toEqual([])
    expect(registered.all).toEqual([])
  })
})

describe('a run is kept', () => {
  const cases: readonly (readonly [string, RunSamplingOptions['keep'], (work: Work) => void, string | undefined])[] = [
    ['that failed', { failed: true }, (work) => work.run.end({ error: new Error('x') }), 'failed'],
    ['that timed out', { failed: true }, (work) => work.run.end({ status: 'timeout' }), 'failed'],
    ['that was abandoned', { failed: true }, (work) => work.run[Symbol.dispose](), 'failed'],
    ['but not one that was cancelled', { failed: true }, (work) => work.run.end({ status: 'cancelled' }), undefined],
    ['but not one that failed where that is not asked', {}, (work) => work.run.end({ status: 'failed' }), undefined],
    ['that was slow', { slowerThanMillis: 1000 }, endAfter(1001), 'slow'],
    ['but not one that was just quick enough', { slowerThanMillis: 1000 }, endAfter(900), undefined],
    ['that was expensive', { costUsdAbove: 0.02 }, costing(0.021), 'expensive'],
    ['but not one that was cheap', { costUsdAbove: 0.02 }, costing(0.02), undefined],
    ['that a function keeps', { decide: ({ totals }) => totals.spans === 3 }, (work) => work.run.end(), 'decided'],
    ['but not one that it does not', { decide: () => false }, (work) => work.run.end(), undefined],
  ]

  it.each(cases)('%s', async (_what, keep, end, reason) => {
    await using registered = recordSpans()
    const work = new Work(processKeeping({ keep })).step('a').step('b')
    end(work)
    expect(work.left).toEqual(expect.arrayContaining(reason === undefined ? rootOnly : whole))
    expect(work.left.includes('a')).toBe(reason !== undefined)
    expect(work.root.attributes['runspan.sampling.reason']).toBe(reason ?? 'root_only')
    expect(registered.all).toEqual([])
  })

  it('from the moment on at which it is certain', async () => {
    await using registered = recordSpans()
    const work = new Work(processKeeping({ keep: { costUsdAbove: 0.02 } })).step('a')
    expect(work.left).toEqual([])
    work.step('call', { ...chat(1).attributes, 'gen_ai.usage.cost': 0.03 })
    expect(work.left).toEqual(['a', 'call'])
    work.step('b')
    expect(work.left).toEqual(['a', 'call', 'b'])
    work.run.end()
    expect(registered.all).toEqual([])
  })

  it('where a run of its family was kept while it was open', async () => {
    await using registered = recordSpans()
    const process = processKeeping({ keep: { failed: true } })
    const parent = new Work(process).step('a')
    const child = new Work(process, { parentRunId: parent.run.runId }).step('a').step('b')
    child.run.end({ status: 'failed' })
    const sibling = new Work(process, { parentRunId: parent.run.runId }).step('a').step('b')
    sibling.run.end()
    parent.step('b').run.end()
    for (const work of [child, sibling, parent]) expect(work.left).toEqual(whole)
    expect([sibling, parent].map((work) => work.root.attributes['runspan.sampling.reason'])).toEqual([
      'family',
      'family',
    ])
    const stranger = new Work(process).step('a')
    stranger.run.end()
    expect(stranger.left).toEqual(rootOnly)
    expect(registered.all).toEqual([])
  })

  it('by what decide is told of it', async () => {
    await using registered = recordSpans()
    const asked: SampledRun[] = []
    const process = processKeeping({ keep: { decide: (run) => asked.push(run) > 0 } })
    const parent = new Work(process)
    const child = new Work(process, { parentRunId: parent.run.runId, attributes: { 'app.tier': 'gold' } })
    child.step('call', chat(5, 2).attributes)
    child.run.end()
    parent.run.end()
    expect(asked[0]).toMatchObject({
      runId: child.run.runId,
      rootRunId: parent.run.runId,
      scope: 'run',
      status: 'completed',
      totals: { inputTokens: 5, outputTokens: 2, llmCalls: 1 },
      attributes: { 'app.tier': 'gold' },
    })
    expect(asked[0]!.durationMillis).toBeGreaterThanOrEqual(0)
    expect(registered.all).toEqual([])
  })

  it('never because decide throws', async () => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const work = new Work(processKeeping({ keep: { decide: broken } })).step('a')
    work.run.end()
    expect(work.left).toEqual(rootOnly)
    expect(counts()).toMatchObject({ callbackErrors: 1 })
    expect(registered.all).toEqual([])
  })
})

function endAfter(millis: number): (work: Work) => void {
  return (work) => {
    const [seconds, nanos] = (work.run as unknown as { otelSpan: ReadableSpan }).otelSpan.startTime
    work.run.end({ endTime: seconds * 1000 + nanos / 1e6 + millis })
  }
}

function costing(costUsd: number): (work: Work) => void {
  return (work) => {
    work.step('call', { ...chat(1).attributes, 'gen_ai.usage.cost': costUsd })
    work.run.end()
  }
}

describe('a span that leaves', () => {
  it('is what the SDK would have exported, but for the sampled flag', async () => {
    await using registered = recordSpans()
    const process = processKeeping({ keep: { failed: true } })
    const work = new Work(process)
    const span = work.start('call', { ...usage(1), list: ['a', 'b'] })
    span.addEvent('chunk', { size: 3 })
    span.addLink({ context: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 } })
    span.end()
    work.run.end({ status: 'failed' })
    const original = process.seen.find(({ name }) => name === 'call')!
    const left = process.exported.find(({ name }) => name === 'call')!
    expect(encoded(left)).toEqual(encoded(original))
    expect([left.spanContext().traceFlags, original.spanContext().traceFlags]).toEqual([1, 0])
    for (const key of readable) expect(left[key], key).toEqual(original[key])
    expect(registered.all).toEqual([])
  })

  it('follows the decision when it comes after its root, and so does the amendment', async () => {
    await using registered = recordSpans()
    for (const [options, status, expected] of [
      [{ keep: { failed: true } }, 'failed', ['invoke_agent planner', 'runspan amendment', 'late']],
      [{ keep: { failed: true } }, 'completed', ['invoke_agent planner', 'runspan amendment']],
      [{ keep: { failed: true }, rest: 'nothing' }, 'completed', []],
    ] as const) {
      const process = processKeeping(options)
      const work = new Work(process)
      const late = work.start('late', chat(7).attributes)
      work.run.end({ status })
      late.end()
      expect(work.left).toEqual(expected)
      const total = process
        .numbersOf(work.run.runId, process.exported)
        .map((numbers) => Number(numbers['runspan.late.usage.input_tokens'] ?? 0))
      expect(total).toEqual(expected.length === 0 ? [] : [0, 7])
    }
    expect(registered.all).toEqual([])
  })

  it('is seen by several processors, of which one may fail', async () => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const seen: string[] = []
    const failing = processorOf(() => {
      throw new Error('broken')
    })
    const noting = processorOf((span) => void seen.push(span.name))
    const process = new SampledProcess({
      sampler: off(),
      around: () => new RunSamplingProcessor([failing, noting], { keep: { decide: () => true } }),
    })
    new Work(process).step('a').step('b').run.end()
    expect(seen).toEqual(whole)
    expect(counts()).toMatchObject({ internalErrors: 3 })
    expect(registered.all).toEqual([])
  })

  it('ends at the next processor where it started there, without the flag where it does not leave', async () => {
    await using registered = recordSpans()
    const started: string[] = []
    const ended: string[] = []
    const next = {
      ...processorOf((span) => void ended.push(`${span.spanContext().spanId} ${span.spanContext().traceFlags}`)),
      onStart: (span: Span) => void started.push(span.spanContext().spanId),
    }
    const around = (): SpanProcessor => new RunSamplingProcessor(next, { keep: { failed: true }, rest: 'nothing' })
    new Work(new SampledProcess({ sampler: off(), around })).step('a').step('b').run.end()
    expect(started).toHaveLength(3)
    expect(ended.toSorted()).toEqual(started.map((spanId) => `${spanId} 0`).toSorted())
    expect(registered.all).toEqual([])
  })

  it('is announced to the next processor as the SDK announces it', async () => {
    await using registered = recordSpans()
    const calls: string[] = []
    const next = {
      ...processorOf((span) => void calls.push(`end ${span.name}`)),
      onStart: (span: { readonly name: string }) => void calls.push(`start ${span.name}`),
      onEnding: (span: { readonly name: string }) => void calls.push(`ending ${span.name}`),
    }
    const process = new SampledProcess({
      sampler: off(),
      around: () => new RunSamplingProcessor(next, { keep: { decide: () => true } }),
    })
    new Work(process).run.end()
    expect(calls).toEqual(['start', 'ending', 'end'].map((what) => `${what} invoke_agent planner`))
    expect(registered.all).toEqual([])
  })
})

function encoded(span: ReadableSpan): object {
  const text = new TextDecoder().decode(JsonTraceSerializer.serializeRequest([span]))
  return JSON.parse(text.replaceAll(/"flags":\d+/g, '"flags":0')) as object
}

function broken(): boolean {
  throw new Error('broken')
}

const readable = [
  'name',
  'kind',
  'parentSpanContext',
  'startTime',
  'endTime',
  'status',
  'attributes',
  'links',
  'events',
  'duration',
  'ended',
  'resource',
  'instrumentationScope',
  'droppedAttributesCount',
  'droppedEventsCount',
  'droppedLinksCount',
] as const satisfies readonly (keyof ReadableSpan)[]

function processorOf(onEnd: (span: ReadableSpan) => void): SpanProcessor {
  return { onStart: () => {}, onEnd, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() }
}

describe('what is held', () => {
  const keep = { failed: true }

  it('of one run has a bound, past which its root still decides', async () => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const work = new Work(processKeeping({ keep, maxSpansPerRun: 2 })).step('a').step('b')
    expect(counts()).not.toHaveProperty('runsGivenUp')
    work.step('c').step('d')
    expect(counts()).toMatchObject({ runsGivenUp: 1, spansSampledOut: 4 })
    const late = work.start('late')
    work.run.end({ status: 'failed' })
    late.end()
    expect(work.left).toEqual(['invoke_agent planner', 'runspan amendment', 'late'])
    expect(work.root.attributes).toMatchObject({
      'runspan.sampling.reason': 'failed',
      'runspan.sampling.dropped_spans': 4,
    })
    expect(registered.all).toEqual([])
  })

  it('of a run that has seen failures is kept when the bound is reached', async () => {
    await using registered = recordSpans()
    const work = new Work(processKeeping({ keep, maxSpansPerRun: 2 })).step('a')
    const failing = work.start('b')
    failing.setStatus({ code: 2 })
    failing.end()
    work.step('c')
    expect(work.left).toEqual(['a', 'b', 'c'])
    work.run.end()
    expect(work.left).toEqual(['a', 'b', 'c', 'invoke_agent planner'])
    expect(registered.all).toEqual([])
  })

  it('is decided about early by what decide says of a run that has not ended', async () => {
    await using registered = recordSpans()
    const statuses: unknown[] = []
    const decide = ({ status, totals }: SampledRun): boolean => statuses.push([status, totals.spans]) > 1
    const work = new Work(processKeeping({ keep: { decide }, maxSpansPerRun: 1 })).step('a').step('b')
    work.run.end()
    expect(statuses).toEqual([
      [undefined, 2],
      ['completed', 3],
    ])
    expect(work.left).toEqual(['invoke_agent planner'])
    expect(work.root.attributes['runspan.sampling.reason']).toBe('decided')
    expect(registered.all).toEqual([])
  })

  it.each([
    ['runs', { maxRuns: 2 }],
    ['spans', { maxSpans: 5 }],
    ['bytes', { maxBytes: 25_000 }],
  ])('of all runs has a bound on %s, past which the oldest goes', async (_what, bounds) => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const process = processKeeping({ keep, ...bounds })
    const text = { text: 'x'.repeat(4000) }
    const works = [0, 1, 2].map(() => new Work(process).step('a', text).step('b', text))
    expect(counts()).toMatchObject({ runsGivenUp: 1, spansSampledOut: 2 })
    for (const work of works) work.run.end({ status: 'failed' })
    expect(works.map((work) => work.left)).toEqual([rootOnly, whole, whole])
    expect(registered.all).toEqual([])
  })

  it('has a bound on age, looked at when spans end and at a flush', async () => {
    using clock = useFakeClock()
    await using registered = recordSpans()
    const counts = countsFromNow()
    const process = processKeeping({ keep, maxAgeMillis: 60_000 })
    const old = new Work(process).step('a')
    const [seconds] = (old.run as unknown as { otelSpan: ReadableSpan }).otelSpan.startTime
    const young = new Work(process)
    young.start('b').end((seconds + 59) * 1000)
    expect(counts()).not.toHaveProperty('runsGivenUp')
    young.start('b').end((seconds + 62) * 1000)
    expect(counts()).toMatchObject({ runsGivenUp: 2 })
    clock.advance(seconds * 1000 + 120_000 - clock.nowUnixMillis())
    const other = new Work(process).step('a')
    await process.provider.forceFlush()
    expect(counts()).toMatchObject({ runsGivenUp: 3 })
    for (const work of [old, young, other]) work.run.end()
    expect(registered.all).toEqual([])
  })

  it('is let go of at the end of every run', async () => {
    await using registered = recordSpans()
    const counts = countsFromNow()
    const process = processKeeping({ keep, maxSpans: 2, maxRuns: 1 })
    for (let index = 0; index < 20; index++) {
      const work = new Work(process).step('a').step('b')
      work.run.end(index % 2 === 0 ? { status: 'failed' } : {})
    }
    expect(counts()).not.toHaveProperty('runsGivenUp')
    expect(process.exported).toHaveLength(10 * 3 + 10)
    expect(registered.all).toEqual([])
  })

  it('is decided about at a shutdown, also of a run that another process ends', async () => {
    await using registered = recordSpans()
    const left: string[] = []
    const around = (): SpanProcessor =>
      new RunSamplingProcessor(
        processorOf((span) => {
          if (span.spanContext().traceFlags === 1) left.push(span.name)
        }),
        { keep },
      )
    const process = new SampledProcess({ sampler: off(), around })
    const abandoned = new Work(process).step('a')
    const quiet = new Work(process).step('quiet')
    const handedOff = new Work(process)
    const failing = handedOff.start('failing')
    failing.setStatus({ code: 2 })
    failing.end()
    quiet.run.handOff()
    handedOff.run.handOff()
    await process.provider.shutdown()
    expect(left).toEqual(['a', 'invoke_agent planner', 'failing'])
    expect(abandoned.run.end().status).toBe('abandoned')
    expect(registered.all).toEqual([])
  })
})

describe('set-up', () => {
  it.each([
    [{ keep: { slow: 1 } }, 'Failed to configure keep: it has no option slow. Did you mean slowerThanMillis?'],
    [{ keep: null }, 'Failed to configure keep: null cannot be used. Pass an object of options.'],
    [{ maxSpan: 7 }, 'Failed to configure RunSamplingProcessor: it has no option maxSpan. Did you mean maxSpans?'],
    [{ ratio: 0.1 }, 'Failed to configure RunSamplingProcessor: it has no option ratio.'],
    [{ keep: { failed: 'yes' } }, 'Failed to configure keep.failed: yes cannot be used. Pass true or false.'],
    [{ keep: { slowerThanMillis: -1 } }, 'Failed to configure keep.slowerThanMillis: -1 cannot be used.'],
    [{ keep: { costUsdAbove: Number.NaN } }, 'Failed to configure keep.costUsdAbove: NaN cannot be used.'],
    [{ keep: { decide: true } }, 'Failed to configure keep.decide: true cannot be used. Pass a function of the run.'],
    [{ rest: 'all' }, "Failed to configure rest: all cannot be used. Use 'roots' or 'nothing'."],
    [{ maxSpans: 0 }, 'Failed to configure maxSpans: 0 cannot be used. Pass a number, at least 1.'],
  ])('refuses %o', (options, message) => {
    const exporting = processorOf(() => {})
    expect(() => new RunSamplingProcessor(exporting, options as never)).toThrow(message)
  })

  it('refuses what is no span processor', () => {
    expect(() => new RunSamplingProcessor(new InMemorySpanExporter() as never)).toThrow(
      'Pass the span processor that exports.',
    )
  })
})
