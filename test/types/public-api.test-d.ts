import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

import type { SpanContext } from '@opentelemetry/api'
import type {
  IdGenerator as IdGeneratorOfSdkTrace,
  SpanProcessor as ProcessorOfSdkTrace,
} from '@opentelemetry/sdk-trace'
import type { IdGenerator, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import type { RequestHandler } from 'express'
import { describe, expectTypeOf, it } from 'vitest'

import {
  RunRollupProcessor,
  RunspanError,
  configureRunspan,
  currentRun,
  currentSpan,
  doctor,
  endRun,
  expressMiddleware,
  extractRun,
  joinRun,
  llm,
  propagationHeaders,
  recordFeedback,
  recordLlmCall,
  recordToolCall,
  retrieval,
  runIdOf,
  startRun,
  stats,
  tool,
  trace,
  withSpan,
  wrapAgent,
  type Finding,
  type OpenRun,
  type Run,
  type RunIdGenerator,
  type RunOptions,
  type RunRef,
  type RunResult,
  type RunspanStats,
  type RunStatus,
  type RunSummary,
  type RunTotals,
  type WorkSpan,
} from '../../src/index.ts'

declare const overloaded: {
  (id: number): { readonly row: number }
  (name: string, limit?: number): readonly string[]
}
declare const generic: <T extends object>(value: T) => Promise<T>
declare const described: ((city: string) => string) & { readonly schema: { readonly city: string } }
declare const asserts: (value: unknown) => asserts value is string

declare const counts: () => Generator<number, string, boolean>
declare const letters: () => AsyncGenerator<string>

describe('wrapAgent', () => {
  it('resolves to what the agent truly returns', () => {
    expectTypeOf(wrapAgent('a', () => 7)).toEqualTypeOf<Promise<RunResult<number>>>()
    expectTypeOf(wrapAgent('a', async () => 'text')).toEqualTypeOf<Promise<RunResult<string>>>()
    expectTypeOf(wrapAgent('a', () => Promise.resolve(Promise.resolve(7n)))).toEqualTypeOf<Promise<RunResult<bigint>>>()
    expectTypeOf(wrapAgent('a', (): string | Promise<number> => 'text')).toEqualTypeOf<
      Promise<RunResult<string | number>>
    >()
    expectTypeOf(wrapAgent('a', () => {})).toEqualTypeOf<Promise<RunResult<void>>>()
    expectTypeOf(wrapAgent('a', (): never => process.exit())).toEqualTypeOf<Promise<RunResult<never>>>()
  })

  it('keeps generators and streams what they are', () => {
    expectTypeOf(wrapAgent('a', counts)).toEqualTypeOf<Promise<RunResult<Generator<number, string, boolean>>>>()
    expectTypeOf(wrapAgent('a', letters)).toEqualTypeOf<Promise<RunResult<AsyncGenerator<string>>>>()
    expectTypeOf(wrapAgent('a', () => new ReadableStream<Uint8Array>())).toEqualTypeOf<
      Promise<RunResult<ReadableStream<Uint8Array>>>
    >()
    expectTypeOf(wrapAgent('a', async () => new Response('x'))).toEqualTypeOf<Promise<RunResult<Response>>>()
    expectTypeOf(wrapAgent('a', (): Readable => process.stdin)).toEqualTypeOf<Promise<RunResult<Readable>>>()
  })

  it('gives the agent its input, typed', () => {
    void wrapAgent('a', (run) => expectTypeOf(run.input).toEqualTypeOf<string>(), { input: 'question' })
    void wrapAgent('a', (run) => expectTypeOf(run.input).toEqualTypeOf<{ n: number }>(), { input: { n: 1 } })
    void wrapAgent('a', (run) => expectTypeOf(run.input).toEqualTypeOf<unknown>())
    expectTypeOf(startRun('a', { input: 7 })).toEqualTypeOf<OpenRun<number>>()
    expectTypeOf(startRun('a')).toEqualTypeOf<OpenRun>()
  })

  it('says how the run ended', () => {
    expectTypeOf<RunResult<string>>().toEqualTypeOf<{
      readonly result: string
      readonly runId: string
      readonly ended: Promise<RunSummary>
    }>()
    expectTypeOf<RunSummary['status']>().toEqualTypeOf<RunStatus>()
    expectTypeOf<RunStatus>().toEqualTypeOf<'completed' | 'failed' | 'cancelled' | 'timeout' | 'abandoned'>()
    expectTypeOf<RunSummary['error']>().toEqualTypeOf<unknown>()
    expectTypeOf<RunTotals['costUsd']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<RunTotals['costNanoUsd']>().toEqualTypeOf<bigint | undefined>()
  })
})

describe('options', () => {
  it('are exact', () => {
    // @ts-expect-error -- misspelt
    void wrapAgent('a', () => {}, { conversationID: 'c-1' })
    // @ts-expect-error -- a Date is no deadline
    startRun('a', { abandonAfterMillis: new Date() })
    // @ts-expect-error -- not a link type
    startRun('a', { links: [{ type: 'friend', to: 'x' }] })
    // @ts-expect-error -- only a reader or a sweeper says abandoned
    startRun('a').setStatus('abandoned')
    // @ts-expect-error -- there is no such capture
    configureRunspan({ content: 'some' })
    // @ts-expect-error -- nobody joins by oversight
    expressMiddleware({})
    // @ts-expect-error -- nobody joins by oversight
    expressMiddleware()
    // @ts-expect-error -- a model call names its model
    recordLlmCall({ provider: 'openai', inputTokens: 1 })
    // @ts-expect-error -- there is no such type of work
    withSpan('a', () => {}, { type: 'model' })
  })

  it('of a run may be passed on as undefined', () => {
    const options: RunOptions<string> = {
      runId: undefined,
      attempt: undefined,
      from: undefined,
      parentRunId: undefined,
      conversationId: undefined,
      userId: undefined,
      agentVersion: undefined,
      goal: undefined,
      input: undefined,
      metadata: undefined,
      attributes: undefined,
      links: undefined,
      signal: undefined,
      streamIdleMillis: undefined,
      abandonAfterMillis: undefined,
      dispatchSpan: undefined,
      onEnd: undefined,
      tracer: undefined,
      tracerProvider: undefined,
    }
    expectTypeOf(startRun('a', options)).toEqualTypeOf<OpenRun<string>>()
    expectTypeOf<null>().toExtend<RunOptions['parentRunId']>()
  })

  it('take a link to a run, a ref or a span of anybody’s', () => {
    const context: SpanContext = { traceId: '', spanId: '', traceFlags: 1 }
    const ref = startRun('a').ref
    startRun('a', { links: ['id', ref, context].map((to) => ({ type: 'review', to })) })
  })
})

describe('handles', () => {
  it('end what they may end', () => {
    expectTypeOf<Run>().not.toHaveProperty('end')
    expectTypeOf<Run>().not.toHaveProperty('handOff')
    expectTypeOf<Run>().not.toHaveProperty('with')
    expectTypeOf<OpenRun>().toExtend<Run>()
    expectTypeOf<OpenRun>().toExtend<Disposable>()
    expectTypeOf(startRun('a').end({ output: 1 })).toEqualTypeOf<RunSummary>()
    expectTypeOf(startRun('a').handOff()).toEqualTypeOf<RunRef>()
    expectTypeOf(startRun('a').with(() => 7)).toEqualTypeOf<number>()
    expectTypeOf(endRun(startRun('a'))).toEqualTypeOf<boolean>()
    expectTypeOf(endRun).parameter(0).toEqualTypeOf<OpenRun | RunRef | string>()
  })

  it('chain as what they are', () => {
    void wrapAgent('a', (run) => {
      expectTypeOf(run.setInput(1).setOutput(2).setAttribute('a', 1).setMetadata({}).setError(1)).toEqualTypeOf<Run>()
    })
    withSpan('a', (span) => expectTypeOf(span.setInput(1).event('x')).toEqualTypeOf<WorkSpan>())
    expectTypeOf(currentRun()).toEqualTypeOf<Run | undefined>()
    expectTypeOf(currentSpan()).toEqualTypeOf<WorkSpan>()
  })
})

describe('withSpan and joinRun', () => {
  it('return what their callback does', () => {
    expectTypeOf(withSpan('a', () => 7)).toEqualTypeOf<number>()
    expectTypeOf(withSpan('a', async () => 7)).toEqualTypeOf<Promise<number>>()
    expectTypeOf(withSpan({ name: 'a', type: 'tool' }, () => 'x')).toEqualTypeOf<string>()
    expectTypeOf(joinRun('id', () => 7)).toEqualTypeOf<number>()
    expectTypeOf(joinRun(undefined, async () => 7, { name: 'a' })).toEqualTypeOf<Promise<number>>()
    expectTypeOf(joinRun(null, 'span', () => [1], { type: 'tool' })).toEqualTypeOf<number[]>()
    void wrapAgent('a', (run) => expectTypeOf(run.span('b', () => 7n)).toEqualTypeOf<bigint>())
  })
})

describe('tool, retrieval, trace and llm', () => {
  it('keep the type of the function: overloads, generics, properties, assertions', () => {
    expectTypeOf(tool('a', overloaded)).toEqualTypeOf<typeof overloaded>()
    const kept: readonly (typeof generic)[] = [retrieval('a', generic), llm('a', generic)]
    expectTypeOf(trace('a', described)).toEqualTypeOf<typeof described>()
    expectTypeOf(trace('a', asserts)).toEqualTypeOf<typeof asserts>()
    expectTypeOf(tool('a', overloaded)(7)).toEqualTypeOf<{ readonly row: number }>()
    expectTypeOf(tool('a', overloaded)('x', 3)).toEqualTypeOf<readonly string[]>()
    expectTypeOf(kept[0]!({ n: 1 })).toEqualTypeOf<Promise<{ n: number }>>()
  })

  it('give extractUsage the settled answer', () => {
    llm('a', async (prompt: string) => ({ text: prompt, spent: 7 }), {
      extractUsage(answer) {
        expectTypeOf(answer).toEqualTypeOf<{ text: string; spent: number }>()
        return { inputTokens: answer.spent }
      },
    })
    // @ts-expect-error -- a tool has no usage of its own
    tool('a', () => 7, { extractUsage: () => ({}) })
  })
})

describe('between services', () => {
  it('carriers are what frameworks have', () => {
    expectTypeOf<IncomingHttpHeaders>().toExtend<Parameters<typeof extractRun>[0]>()
    expectTypeOf<Headers>().toExtend<Parameters<typeof extractRun>[0]>()
    expectTypeOf<Record<string, string>>().toExtend<Parameters<typeof extractRun>[0]>()
    expectTypeOf<RunRef>().toExtend<Parameters<typeof extractRun>[0]>()
    expectTypeOf(extractRun({})).toEqualTypeOf<RunRef | undefined>()
    expectTypeOf(propagationHeaders()).toEqualTypeOf<Record<string, string>>()
    expectTypeOf(new Headers(propagationHeaders())).toEqualTypeOf<Headers>()
  })

  it('the middleware is one of Express, without its types in ours', () => {
    expectTypeOf(expressMiddleware({ trust: true })).toExtend<RequestHandler>()
    expressMiddleware({ trust: (request) => request.headers['x-mesh'] === 'internal' })
  })
})

describe('in a provider', () => {
  it('generator and processor fit the SDK’s own types, in both of its packages', () => {
    expectTypeOf<RunIdGenerator>().toExtend<IdGenerator>()
    expectTypeOf<RunIdGenerator>().toExtend<IdGeneratorOfSdkTrace>()
    expectTypeOf<RunRollupProcessor>().toExtend<SpanProcessor>()
    expectTypeOf<RunRollupProcessor>().toExtend<ProcessorOfSdkTrace>()
    void new RunRollupProcessor({ stamp: 'all', onUsage: (runId, totals) => void [runId.length, totals.llmCalls] })
    // @ts-expect-error -- there is no such stamp
    void new RunRollupProcessor({ stamp: 'some' })
  })
})

describe('the rest', () => {
  it('has the types it says', () => {
    expectTypeOf(stats()).toEqualTypeOf<RunspanStats>()
    expectTypeOf(doctor()).toEqualTypeOf<Promise<readonly Finding[]>>()
    expectTypeOf(runIdOf(new Error('x'))).toEqualTypeOf<string | undefined>()
    expectTypeOf(recordFeedback('id', { score: 1 })).toEqualTypeOf<void>()
    expectTypeOf(recordToolCall({ name: 'a', startTime: new Date() })).toEqualTypeOf<void>()
    const error: unknown = undefined
    if (RunspanError.is(error)) expectTypeOf(error).toEqualTypeOf<RunspanError>()
  })
})
