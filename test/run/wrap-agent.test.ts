import { propagation, trace, ROOT_CONTEXT } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import {
  RunIdGenerator,
  currentRun,
  extractRun,
  joinRun,
  startRun,
  tool,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

/** A query builder: it does its work when somebody awaits it, and each time. */
class LazyQuery implements PromiseLike<string> {
  sent = 0

  // oxlint-disable-next-line unicorn/no-thenable -- that is what query builders are
  then<A = string, B = never>(
    onFulfilled?: ((rows: string) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.sent++
    return Promise.resolve(withSpan('query', () => 'rows')).then(onFulfilled, onRejected)
  }
}

/** What model clients return: a promise with helpers, which reads the answer when it is awaited. */
class ClientPromise<T> extends Promise<T> {
  // oxlint-disable-next-line unicorn/no-thenable -- it extends Promise
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    withSpan('read the answer', () => {})
    return super.then(onFulfilled, onRejected)
  }
}

const searchInAStep = (): void => withSpan('step', () => tool('search', () => {})())

describe('wrapAgent', () => {
  it('always returns a promise, also where the agent is not asynchronous or throws at once', async () => {
    await using spans = recordSpans()
    const returned = wrapAgent('sync', () => 7)
    expect(returned).toBeInstanceOf(Promise)
    expect((await returned).result).toBe(7)
    const failed = wrapAgent('throws', () => {
      throw new Error('mine')
    })
    await expect(failed).rejects.toThrow('mine')
    expect(spans.all).toHaveLength(2)
  })

  it('has ended when it resolves, and ended says how', async () => {
    await using spans = recordSpans()
    const { result, runId, ended } = await wrapAgent('planner', (run) => run.recorded)
    expect(spans.of(runId)).toHaveLength(1)
    expect(result).toBe(true)
    expect(await ended).toMatchObject({ runId, status: 'completed', totals: { spans: 1 } })
    expect(await ended).not.toHaveProperty('error')
  })

  it('starts lazy thenables inside the run, once', async () => {
    await using spans = recordSpans()
    const query = new LazyQuery()
    const { runId, result } = await wrapAgent('planner', () => query)
    expect([result, query.sent]).toEqual(['rows', 1])
    expectTrace(spans.tree(runId)).toBe(`
      invoke_agent planner
        query
    `)
    const client = await wrapAgent('client', () => ClientPromise.resolve('answer'))
    expect(client.result).toBe('answer')
    expectTrace(spans.tree(client.runId)).toBe(`
      invoke_agent client
        read the answer
    `)
  })

  it('passes on what a thenable rejects with', async () => {
    await using spans = recordSpans()
    const error = new Error('mine')
    // oxlint-disable-next-line unicorn/no-thenable -- that is the case here
    const thenable = { then: (_: unknown, reject: (error: unknown) => void) => reject(error) }
    await expect(wrapAgent('planner', () => thenable)).rejects.toBe(error)
    expect(spans.all[0]!.attributes['runspan.run.status']).toBe('failed')
  })

  it('names an agent that was given no name, counted', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    for (const name of ['', undefined, 7]) await wrapAgent(name as string, () => {})
    expect(spans.all.map(({ name }) => name)).toEqual(Array(3).fill('invoke_agent unnamed'))
    expect(counts()).toMatchObject({ internalErrors: 3 })
  })

  it('gives version and attributes at the start, where samplers see them', async () => {
    const seen: unknown[] = []
    await using spans = recordSpans({
      sampler: {
        shouldSample: (_context, _traceId, _name, _kind, attributes) => {
          seen.push({ ...attributes })
          return { decision: 2 }
        },
        toString: () => 'looks',
      },
    })
    await wrapAgent('planner', () => {}, { agentVersion: '1.2', attributes: { 'app.tier': 'gold' }, userId: 'u-1' })
    expect(seen).toEqual([
      {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'planner',
        'runspan.agent.version': '1.2',
        'user.id': 'u-1',
        'app.tier': 'gold',
      },
    ])
    expect(spans.all[0]!.attributes).toMatchObject({ 'app.tier': 'gold' })
  })

  it('writes to the provider or tracer it is given, its spans included', async () => {
    await using spans = recordSpans()
    const exporter = new InMemorySpanExporter()
    const tracerProvider = new NodeTracerProvider({
      idGenerator: new RunIdGenerator(),
      spanProcessors: [new SimpleSpanProcessor(exporter)],
    })
    await wrapAgent('by provider', searchInAStep, { tracerProvider })
    await wrapAgent('by tracer', searchInAStep, { tracer: tracerProvider.getTracer('mine') })
    expect(spans.all).toEqual([])
    expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(
      ['by provider', 'by tracer'].flatMap((name) => ['execute_tool search', 'step', `invoke_agent ${name}`]),
    )
  })

  it('finds a provider that is registered after the module was loaded, and after a first run', async () => {
    const before = await wrapAgent('before', (run) => run.recorded)
    await using spans = recordSpans()
    const after = await wrapAgent('after', (run) => run.recorded)
    expect([before.result, after.result]).toEqual([false, true])
    expect(spans.all).toHaveLength(1)
  })
})

describe('run.ref', () => {
  it('survives JSON, is a W3C carrier itself, and names the run', async () => {
    await using spans = recordSpans()
    const run = startRun('planner', { goal: 'answer', userId: 'u-1', input: 'secret' })
    const ref = JSON.parse(JSON.stringify(run.ref)) as typeof run.ref
    run.end()
    expect(ref).toEqual({
      runId: run.runId,
      traceparent: `00-${run.runId}-${run.spanId}-01`,
      tracestate: `runspan=${run.spanId}`,
      agentName: 'planner',
      goal: 'answer',
      rootRunId: run.runId,
      startUnixNano: expect.stringMatching(/^\d{19}$/),
    })
    expect(extractRun(ref)).toMatchObject({ runId: run.runId })
    const carried = propagation.extract(ROOT_CONTEXT, ref)
    expect(trace.getSpanContext(carried)).toMatchObject({ traceId: run.runId, spanId: run.spanId, isRemote: true })
    expect(spans.root(run.runId).attributes['runspan.rollup.complete']).toBe(false)
  })

  it('of a joined part names the run, and passes on no right to end it', async () => {
    await using spans = recordSpans()
    const ref = startRun('import').handOff()
    const inside = joinRun(ref, () => currentRun()!.ref)
    expect(inside.runId).toBe(ref.runId)
    expect(inside).not.toHaveProperty('handedOff')
    expect(spans.all).toHaveLength(1)
  })
})
