import { SpanStatusCode, trace, type Span, type Tracer, type TracerProvider } from '@opentelemetry/api'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import {
  currentRun,
  currentSpan,
  joinRun,
  newRunId,
  recordFeedback,
  recordLlmCall,
  recordToolCall,
  runIdOf,
  startRun,
  tool,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

const status = 'runspan.run.status'

/** Values that fight back when they are looked at. */
const hostileValues: readonly (readonly [string, unknown])[] = [
  ['an object whose every property throws', new Proxy({}, { get: refuse, has: refuse, ownKeys: refuse })],
  ['an object without a readable prototype', new Proxy({ a: 1 }, { getPrototypeOf: refuse })],
  ['an error whose message throws', Object.defineProperty(new Error('x'), 'message', { get: refuse })],
  ['an error without a stack', Object.assign(new Error('x'), { stack: undefined })],
  ['a function whose text throws', Object.assign(() => {}, { toString: refuse })],
  ['a revoked proxy', revoked()],
  ['a symbol', Symbol('odd')],
  ['null', null],
  ['undefined', undefined],
  ['an object without a prototype', Object.create(null)],
  ['a frozen error', Object.freeze(new TypeError('cold'))],
]

function refuse(): never {
  throw new Error('refused')
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** `try` without a matcher: matchers look at what they compare, and these values fight back. */
function caught(fn: () => unknown): { readonly thrown: unknown } | undefined {
  try {
    fn()
    return undefined
  } catch (thrown) {
    return { thrown }
  }
}

/** Makes a span that refuses to be told how its work went. */
function breakStatus(span: { setStatus: unknown }): void {
  span.setStatus = refuse
}

describe('whatever is thrown', () => {
  it.each(hostileValues)('leaves as the same object, and the run is exported as failed: %s', async (_what, thrown) => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    let same = 0
    const count = (error: unknown): void => void (error === thrown && same++)
    await wrapAgent('thrown', () => {
      throw thrown
    }).catch(count)
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is the case here
    await wrapAgent('rejected', () => Promise.reject(thrown)).catch(count)
    startRun('ended').end({ error: thrown })
    const run = startRun('spans')
    run.with(() => {
      count(caught(() => withSpan('step', () => refuseWith(thrown)))!.thrown)
      count(caught(() => tool('search', () => refuseWith(thrown))())!.thrown)
      count(caught(() => joinRun(run.ref, () => refuseWith(thrown), { name: 'part' }))!.thrown)
      withSpan('reported', (span) => span.setError(thrown))
      recordToolCall({ name: 'recorded', error: thrown })
    })
    run.end()
    expect(same).toBe(5)
    const isError = thrown !== undefined
    expectTrace(spans.text({ status })).toBe(`
      invoke_agent thrown          status=failed ERROR
      invoke_agent rejected        status=failed ERROR
      invoke_agent ended           status=${isError ? 'failed ERROR' : 'completed'}
      invoke_agent spans           status=completed
        step                       ERROR
        execute_tool search        ERROR
        part                       ERROR
        reported                   ERROR
        execute_tool recorded      ${isError ? 'ERROR' : ''}
    `)
    expect(counts()).not.toHaveProperty('internalErrors')
  })

  it('is found again by runIdOf: the innermost run, frozen or not; primitives are not', async () => {
    await using spans = recordSpans()
    const frozen = Object.freeze(new Error('cold'))
    let inner = ''
    await wrapAgent('outer', () =>
      wrapAgent('inner', (run) => {
        inner = run.runId
        throw frozen
      }),
    ).catch(() => {})
    expect(runIdOf(frozen)).toBe(inner)
    let told: unknown
    await wrapAgent(
      'primitive',
      () => {
        throw 'text'
      },
      { onEnd: (summary) => (told = summary.error) },
    ).catch(() => {})
    expect(told).toBe('text')
    expect([runIdOf('text'), runIdOf(undefined), runIdOf(null), runIdOf(new Error('other'))]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(spans.all).toHaveLength(4)
  })
})

function refuseWith(thrown: unknown): never {
  throw thrown
}

/** A callback that returns nothing may be given as one that returns a promise. */
function refuseLater(): void {
  return Promise.reject(new Error('refused later')) as never
}

describe('callbacks of the application', () => {
  it('may throw or reject: counted, never passed on', async () => {
    await using spans = recordSpans({ rollup: { onUsage: refuse } })
    const counts = countsFromNow()
    const unhandled: unknown[] = []
    const onUnhandled = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', onUnhandled)
    try {
      await wrapAgent('throwing', () => recordLlmCall({ model: 'm', provider: 'p', inputTokens: 1 }), { onEnd: refuse })
      await wrapAgent('rejecting', () => {}, { onEnd: refuseLater })
      await new Promise((resolve) => setImmediate(resolve))
    } finally {
      process.off('unhandledRejection', onUnhandled)
    }
    expect(unhandled).toEqual([])
    expect(counts()).toMatchObject({ callbackErrors: 3, runsEnded: 2 })
    expect(spans.all.map((span) => span.attributes[status] ?? span.name)).toEqual(['completed', 'chat m', 'completed'])
  })
})

function processor(parts: Partial<SpanProcessor>): SpanProcessor {
  return {
    onStart: () => {},
    onEnd: () => {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...parts,
  }
}

async function useEverything(): Promise<unknown> {
  const { result } = await wrapAgent('planner', async (run) => {
    const child = await wrapAgent('executor', () => 'child')
    run.spawn('researcher')
    recordLlmCall({ model: 'm', provider: 'openai' })
    recordToolCall({ name: 'search' })
    recordFeedback(newRunId(), { score: 1 })
    return [
      child.result,
      withSpan('step', () => 'step'),
      tool('tool', () => 'tool')(),
      joinRun(run.ref, () => 'joined'),
      joinRun(newRunId(), () => 'elsewhere'),
      currentSpan().spanId.length,
    ]
  })
  return result
}
describe('processors, samplers and providers of somebody else', () => {
  const everything = ['child', 'step', 'tool', 'joined', 'elsewhere', 16]

  it('may throw when a span starts', async () => {
    await using spans = recordSpans({ processors: [processor({ onStart: refuse })] })
    expect(await useEverything()).toEqual(everything)
    expect(spans.all).toEqual([])
  })

  it('may throw when a span ends', async () => {
    await using spans = recordSpans({ processors: [processor({ onEnd: refuse })] })
    expect(await useEverything()).toEqual(everything)
    expect(spans.all).toEqual([])
  })

  it('may throw when they decide', async () => {
    await using spans = recordSpans({ sampler: { shouldSample: refuse, toString: () => 'throws' } })
    expect(await useEverything()).toEqual(everything)
    expect(spans.all).toEqual([])
  })

  it('may hand out spans that break when they are told how a run went: the root is exported all the same', async () => {
    await using spans = recordSpans({ processors: [processor({ onStart: breakStatus })] })
    const counts = countsFromNow()
    const error = new TypeError('mine')
    await expect(wrapAgent('planner', () => Promise.reject(error))).rejects.toBe(error)
    expect(spans.all.map(({ name }) => name)).toEqual(['invoke_agent planner'])
    expect(counts()).toMatchObject({ internalErrors: 1, runsStarted: 1 })
  })

  it('may return spans of another make: times and sums are sane', async () => {
    const ended: Record<string, unknown>[] = []
    let ids = 0
    const tracer = {
      startSpan(name: string): Span {
        const attributes = new Map<string, unknown>()
        const spanContext = { traceId: `${++ids}`.padStart(32, 'c'), spanId: `${ids}`.padStart(16, 'd'), traceFlags: 1 }
        const span: Span = {
          spanContext: () => Object.freeze(spanContext),
          setAttribute: (key, value) => (attributes.set(key, value), span),
          setAttributes: (all) => (Object.entries(all).forEach(([key, value]) => attributes.set(key, value)), span),
          addEvent: () => span,
          addLink: () => span,
          addLinks: () => span,
          setStatus: () => span,
          updateName: () => span,
          recordException: () => {},
          isRecording: () => true,
          end: () => void ended.push({ name, ...Object.fromEntries(attributes) }),
        }
        return span
      },
    } as unknown as Tracer
    const provider: TracerProvider = { getTracer: () => tracer }
    const run = startRun('planner', { tracerProvider: provider, input: 'q' })
    expect(Number(run.ref.startUnixNano) / 1e6).toBeGreaterThan(Date.now() - 60_000)
    run.span('step', () => {})
    const summary = run.end()
    expect(summary.durationMillis).toBeLessThan(60_000)
    expect(ended).toEqual([
      { name: 'runspan started' },
      { name: 'step' },
      { name: 'invoke_agent planner', 'runspan.run.id': run.runId, 'runspan.input': '"q"', [status]: 'completed' },
    ])
    expect(summary.totals.complete).toBe(false)
  })
})

describe('an ended run', () => {
  it('takes everything and records nothing more', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    const step = run.with(() => withSpan('step', (span) => span))
    run.end()
    const before = JSON.stringify([spans.attributes('invoke_agent planner'), spans.attributes('step')])
    for (const handle of [run, step]) {
      handle.setInput(1).setOutput(1).setAttribute('a', 1).setError(new Error('late')).event('late')
      handle.setUsage({ inputTokens: 9, model: 'late' })
    }
    run.setMetadata({ late: 1 }).setStatus('failed', 'late').addLink({ type: 'review', to: newRunId() })
    expect(JSON.stringify([spans.attributes('invoke_agent planner'), spans.attributes('step')])).toBe(before)
    expect(spans.all.every((span) => span.status.code === SpanStatusCode.UNSET && span.events.length === 0)).toBe(true)
    expect(run.end()).toMatchObject({ status: 'completed' })
    expect(currentRun()).toBeUndefined()
    expect(trace.getActiveSpan()).toBeUndefined()
  })
})
