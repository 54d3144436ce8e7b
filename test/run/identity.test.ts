import { ROOT_CONTEXT, SpanKind, context, trace } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { AlwaysOffSampler, RandomIdGenerator, SamplingDecision, type Sampler } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import {
  RunIdGenerator,
  configureRunspan,
  currentRun,
  currentRunId,
  joinRun,
  newRunId,
  propagationHeaders,
  recordLlmCall,
  startRun,
  tool,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { shared } from '../../src/run/shared.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, links } from '../support/trace-text.ts'

const hex32 = /^[0-9a-f]{32}$/

describe('the run id is the trace id', () => {
  it('names the trace, and its low 64 bits name the root span', async () => {
    await using spans = recordSpans()
    const { runId } = await wrapAgent('planner', () => {})
    expect(runId).toMatch(hex32)
    expect(spans.root(runId).spanContext()).toMatchObject({ traceId: runId, spanId: runId.slice(16) })
    expect(spans.root(runId).attributes['runspan.run.id']).toBe(runId)
  })

  it('takes chosen ids in any case and as dashed UUID', async () => {
    await using spans = recordSpans()
    const chosen = '0af7651916cd43dd8448eb211c80319c'
    for (const runId of [chosen, chosen.toUpperCase(), '0AF76519-16cd-43dd-8448-eb211c80319c']) {
      const run = startRun('planner', { runId: runId.replace('0', String(spans.all.length)) })
      expect(run.runId).toBe(chosen.replace('0', String(spans.all.length)))
      run.end()
    }
    expect(spans.all).toHaveLength(3)
  })

  it('keeps a chosen id whose low 64 bits are zero, with a random root span id', async () => {
    await using spans = recordSpans()
    const chosen = `${newRunId().slice(0, 16)}${'0'.repeat(16)}`
    const { runId } = await wrapAgent('planner', () => {}, { runId: chosen })
    expect(runId).toBe(chosen)
    expect(spans.root(chosen).spanContext().spanId).not.toBe('0'.repeat(16))
  })

  it('gives another id, counted, where the chosen one is no run id, and says what was asked for', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    for (const odd of ['ticket 7', '', '0'.repeat(32), 'f'.repeat(31), 7 as never]) {
      const { runId, result } = await wrapAgent('planner', (run) => run.runId, { runId: odd })
      expect(runId).toMatch(hex32)
      expect(result).toBe(runId)
    }
    expect(counts()).toMatchObject({ invalidRunIds: 5, runsEnded: 5 })
    expectTrace(spans.text({ links })).toBe(Array(5).fill('invoke_agent planner').join('\n'))
  })

  it('leaves every other id to the generator inside', async () => {
    const inner = new (class extends RandomIdGenerator {
      traceIds = 0
      spanIds = 0
      override generateTraceId = (): string => `${++this.traceIds}`.padStart(32, 'a')
      override generateSpanId = (): string => `${++this.spanIds}`.padStart(16, 'b')
    })()
    await using spans = recordSpans({ generator: new RunIdGenerator(inner) })
    const { runId } = await wrapAgent('planner', () => withSpan('step', () => {}))
    trace.getTracer('other').startSpan('elsewhere').end()
    expect(runId).not.toContain('a'.repeat(20))
    expect(spans.span('step').spanContext().spanId).toBe('1'.padStart(16, 'b'))
    expect(spans.span('elsewhere').spanContext()).toMatchObject({
      traceId: '1'.padStart(32, 'a'),
      spanId: '2'.padStart(16, 'b'),
    })
  })

  it.each([{}, null, { generateTraceId: () => '1'.repeat(32) }])('refuses %j for a generator', (inner) => {
    expect(() => new RunIdGenerator(inner as never)).toThrow(expect.objectContaining({ code: 'bad_configuration' }))
    expect(() => new RunIdGenerator(new RandomIdGenerator())).not.toThrow()
  })

  it('pins one root only: spans that others start meanwhile, or after a failure, get ids of their own', async () => {
    let failing = true
    const meanwhile: string[] = []
    await using spans = recordSpans({
      processors: [
        {
          onStart(span) {
            if (span.name !== 'invoke_agent planner') return
            if (failing) throw new Error('a processor of somebody else')
            // Another library's processor that starts spans of its own, below and beside the root.
            for (const parent of [ROOT_CONTEXT, trace.setSpan(ROOT_CONTEXT, span)]) {
              const other = trace.getTracer('other').startSpan('meanwhile', {}, parent)
              meanwhile.push(other.spanContext().traceId + other.spanContext().spanId)
              other.end()
            }
          },
          onEnd: () => {},
          forceFlush: () => Promise.resolve(),
          shutdown: () => Promise.resolve(),
        },
      ],
    })
    const lost = await wrapAgent('planner', (run) => run.recorded, { runId: newRunId() })
    expect(lost.result).toBe(false)
    expect(shared().armed).toBeUndefined()
    expect(shared().starting).toBeUndefined()
    const after = trace.getTracer('other').startSpan('after')
    after.end()
    expect(after.spanContext().traceId).not.toBe(lost.runId)

    failing = false
    const { runId } = await wrapAgent('planner', () => {})
    const ids = [...meanwhile, runId + spans.root(runId).spanContext().spanId]
    expect(new Set(ids).size, ids.join('\n')).toBe(3)
    expectTrace(spans.tree(runId, { run: 'runspan.run.id' })).toBe(`
      invoke_agent planner  run=${runId}
        meanwhile
    `)
  })

  it('leaves nothing armed where nothing is sampled, or tracing is suppressed', async () => {
    await using spans = recordSpans({ sampler: new AlwaysOffSampler() })
    const runId = newRunId()
    const unsampled = await wrapAgent('planner', (run) => [run.recorded, run.runId, propagationHeaders()], { runId })
    expect(unsampled.result).toEqual([
      false,
      runId,
      { traceparent: `00-${runId}-${runId.slice(16)}-00`, tracestate: `runspan=${runId.slice(16)}` },
    ])
    const suppressed = await context.with(suppressTracing(context.active()), () =>
      wrapAgent('planner', (run) => [run.recorded, run.runId, propagationHeaders()], { runId: newRunId() }),
    )
    expect(suppressed.result).toEqual([false, suppressed.runId, {}])
    expect(shared().armed).toBeUndefined()
    const root = trace.getTracer('other').startSpan('root', { root: true })
    expect([runId, suppressed.runId]).not.toContain(root.spanContext().traceId)
    expect(spans.all).toEqual([])
  })

  it('tells a run that is recorded but not sampled from one that is neither', async () => {
    const sampler: Sampler = {
      shouldSample(parent, _traceId, name) {
        const isSampled = trace.getSpanContext(parent)?.traceFlags === 1 || name === 'invoke_agent sampled'
        return { decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD }
      },
      toString: () => 'by name',
    }
    await using spans = recordSpans({ sampler })
    const recorded = startRun('recorded')
    const sampled = startRun('sampled')
    recorded.with(() => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 5 }))
    expect([recorded.recorded, sampled.recorded]).toEqual([true, true])
    expect(recorded.end().totals.inputTokens).toBe(5)
    sampled.end()
    // What was recorded has totals, whether it left the process or not.
    expect([recorded.recorded, sampled.recorded]).toEqual([true, true])
    expect(recorded.ref.traceparent).toMatch(/-00$/)
    expect(spans.all.map(({ name }) => name)).toEqual(['invoke_agent sampled'])
  })
})

describe('a run id names one execution', () => {
  it('opens a second run of the same id under another, with a retry link to the first', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const runId = newRunId()
    const first = startRun('import', { runId })
    const whileOpen = await wrapAgent('import', () => {}, { runId })
    first.end()
    const afterEnd = await wrapAgent('import', () => {}, { runId: runId.toUpperCase() })
    expect(new Set([runId, whileOpen.runId, afterEnd.runId]).size).toBe(3)
    expect(counts()).toMatchObject({ runIdsRepeated: 2 })
    for (const repeated of [whileOpen, afterEnd]) {
      const root = spans.root(repeated.runId)
      expect(root.attributes['runspan.first_run.id']).toBe(runId)
      expect(root.links).toMatchObject([
        { context: { traceId: runId, spanId: runId.slice(16) }, attributes: { 'runspan.link.type': 'retry' } },
      ])
    }
    const ids = spans.all.map((span) => span.spanContext().traceId + span.spanContext().spanId)
    expect(new Set(ids).size).toBe(3)
  })

  it('takes attempt: n as another execution, also where the first ran in another process', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const runId = newRunId()
    const first = await wrapAgent('import', () => {}, { runId, attempt: 1 })
    const second = await wrapAgent('import', () => {}, { runId, attempt: 2 })
    const elsewhere = newRunId()
    const third = await wrapAgent('import', () => {}, { runId: elsewhere, attempt: 3 })
    const shown = (id: string): unknown => {
      const { attributes } = spans.root(id)
      return [attributes['runspan.run.attempt'], attributes['runspan.first_run.id'], links(spans.root(id))]
    }
    expect(first.runId).toBe(runId)
    expect(shown(runId)).toEqual([undefined, undefined, undefined])
    expect(shown(second.runId)).toEqual([2, runId, 'retry'])
    expect(shown(third.runId)).toEqual([3, elsewhere, 'retry'])
    expect(counts()).not.toHaveProperty('runIdsRepeated')
  })

  it('keeps the parent of a spawned child that is delivered again', async () => {
    await using spans = recordSpans()
    const parent = startRun('planner')
    const ref = parent.spawn('researcher', { goal: 'find rows' })
    parent.end()
    await wrapAgent('researcher', () => {}, { from: ref })
    const again = await wrapAgent('researcher', () => {}, { from: ref, attempt: 2 })
    expect(again.runId).not.toBe(ref.runId)
    const shown = {
      parent: 'runspan.parent_run.id',
      first: 'runspan.first_run.id',
      attempt: 'runspan.run.attempt',
      goal: 'runspan.run.goal',
      links,
    }
    expectTrace(spans.tree(again.runId, shown)).toBe(`
      invoke_agent researcher  parent=${parent.runId} first=${ref.runId} attempt=2 goal=find rows links=spawn+retry
    `)
  })
})

describe('without the generator', () => {
  it('goes on under the id of the SDK, keeps the asked one as an attribute, and counts it', async () => {
    await using spans = recordSpans({ generator: 'none' })
    const counts = countsFromNow()
    const asked = newRunId()
    let inside: string[] = []
    const { runId } = await wrapAgent(
      'planner',
      (run) => {
        inside = [run.runId, currentRunId()!, run.ref.runId, propagationHeaders()['traceparent']!.slice(3, 35)]
        withSpan('step', () => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 4 }))
      },
      { runId: asked },
    )
    expect(runId).not.toBe(asked)
    expect(new Set(inside)).toEqual(new Set([runId]))
    expectTrace(
      spans.tree(runId, {
        run: 'runspan.run.id',
        asked: 'runspan.requested_run.id',
        in: 'runspan.usage.input_tokens',
      }),
    ).toBe(`
      invoke_agent planner  run=${runId} asked=${asked} in=4
        step
          chat m
    `)
    expect(counts()).toMatchObject({ runIdsNotKept: 1 })
  })

  it('counts nothing where no id was asked for, links both ways, and joins by ref', async () => {
    await using spans = recordSpans({ generator: 'none' })
    const counts = countsFromNow()
    const { runId, result } = await wrapAgent('planner', async (run) => {
      joinRun(run.ref, () => {}, { name: 'part' })
      return wrapAgent('executor', () => {})
    })
    expect(counts()).not.toHaveProperty('runIdsNotKept')
    const child = spans.root(result.runId)
    const dispatch = spans.of(runId).find((span) => span.kind === SpanKind.CLIENT)!
    expect(child.links[0]!.context.spanId).toBe(dispatch.spanContext().spanId)
    expect(dispatch.links[0]!.context).toMatchObject(child.spanContext())
    expect(spans.span('part').parentSpanContext?.spanId).toBe(spans.root(runId).spanContext().spanId)
  })
})

describe('without a provider', () => {
  it('runs everything, records nothing, and says so', async () => {
    const runId = newRunId()
    const { result, ...rest } = await wrapAgent(
      'planner',
      async (run) => {
        run.setInput(1).setOutput(2).setMetadata({ a: 1 }).setAttribute('a', 1).setUsage({ inputTokens: 1 })
        run.event('tick').addLink({ type: 'review', to: newRunId() })
        const child = run.spawn('researcher')
        const nested = await wrapAgent('executor', () => tool('search', (text: string) => text.length)('abc'))
        return {
          recorded: run.recorded,
          spanId: run.spanId,
          total: run.totals.llmCalls,
          complete: run.totals.complete,
          headers: propagationHeaders(),
          child: child.runId.length,
          nested: nested.result,
          ref: run.ref.runId,
        }
      },
      { runId, input: 'question' },
    )
    expect(result).toEqual({
      recorded: false,
      spanId: '0'.repeat(16),
      total: 0,
      complete: false,
      headers: {},
      child: 32,
      nested: 3,
      ref: runId,
    })
    expect(rest.runId).toBe(runId)
    expect(currentRun()).toBeUndefined()
  })

  it('ends by hand, by ref and by dispose as ever', async () => {
    const run = startRun('import')
    expect(run.end({ output: 1 })).toMatchObject({ runId: run.runId, status: 'completed' })
    expect(await run.ended).toMatchObject({ status: 'completed' })
    let disposed
    {
      using open = startRun('import')
      disposed = open.ended
    }
    expect(await disposed).toMatchObject({ status: 'abandoned' })
    await expect(wrapAgent('planner', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
  })
})

describe('strict mode', () => {
  it('finds at set-up that the generator is missing', async () => {
    await using spans = recordSpans({ generator: 'none' })
    expect(() => configureRunspan({ strict: true })).toThrow(expect.objectContaining({ code: 'generator_missing' }))
    expect(spans.all).toEqual([])
  })

  it('has nothing to look at before a provider is registered', () => {
    expect(() => configureRunspan({ strict: true })).not.toThrow()
  })

  it('is content where it is there', async () => {
    await using spans = recordSpans()
    expect(() => configureRunspan({ strict: true })).not.toThrow()
    expect(spans.all).toEqual([])
  })
})
