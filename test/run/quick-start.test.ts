import { EventEmitter, once } from 'node:events'

import { OpenTelemetry } from '@ai-sdk/otel'
import { context, propagation, trace, type ProxyTracerProvider } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { BatchSpanProcessor, type NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { registerTelemetry, streamText } from 'ai'
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  RunIdGenerator,
  RunRollupProcessor,
  endRun,
  joinRun,
  llm,
  propagationHeaders,
  startRun,
  tool,
  withSpan,
  wrapAgent,
  type RunRef,
} from '../../src/index.ts'
import { shared } from '../../src/run/shared.ts'
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts'
import { spawnProcess } from '../support/spawn-process.ts'
import { expectTrace, kind, links } from '../support/trace-text.ts'

let sink: OtlpSink
let sdk: NodeSDK

/** The environment that the exporter of the quick start reads. */
const environment = (): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
})

async function flush(): Promise<void> {
  await ((trace.getTracerProvider() as ProxyTracerProvider).getDelegate() as NodeTracerProvider).forceFlush()
}

beforeAll(async () => {
  sink = await startOtlpSink()
  Object.assign(process.env, environment())

  // (a) an existing NodeSDK: two lines more
  sdk = new NodeSDK({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [new RunRollupProcessor(), new BatchSpanProcessor(new OTLPTraceExporter())],
  })
  sdk.start()
})

afterAll(async () => {
  expect(shared().open.size).toBe(0)
  await sdk.shutdown()
  for (const key of Object.keys(environment())) delete process.env[key]
  trace.disable()
  context.disable()
  propagation.disable()
  await sink[Symbol.asyncDispose]()
})

const status = 'runspan.run.status'
const shown = { kind, status, links, in: 'runspan.usage.input_tokens' }

describe('the quick start', () => {
  it('(b) a run, and a run it starts', async () => {
    const plan = llm('plan', async (question: string) => ({
      steps: [`look up ${question}`],
      usage: { prompt_tokens: 10, completion_tokens: 2 },
    }))
    const execute = tool('execute', async (answer: { readonly steps: readonly string[] }) => answer.steps.length)
    const question = 'rows'

    const { result, runId } = await wrapAgent(
      'planner',
      async (run) => {
        const steps = await plan(run.input)
        return (await wrapAgent('executor', () => execute(steps))).result
      },
      { input: question, conversationId: 'c-1' },
    )

    await flush()
    expect(result).toBe(1)
    expectTrace(sink.tree(runId, shown)).toBe(`
      invoke_agent planner       status=completed in=10
        chat plan                kind=CLIENT
        invoke_agent executor    kind=CLIENT links=parent
    `)
    const child = sink.all.find((span) => span.attributes['runspan.parent_run.id'] === runId)!
    expectTrace(sink.tree(child.traceId, shown)).toBe(`
      invoke_agent executor      status=completed links=parent
        execute_tool execute
    `)
    const root = sink.of(runId)[0]!
    expect(root.attributes).toMatchObject({ 'gen_ai.conversation.id': 'c-1', 'runspan.input': '"rows"' })
  })

  it('(c) the next service joins, if it trusts the caller', async () => {
    await using search = spawnProcess('search-service', {}, environment())
    const url = await search.message<string>()

    const { runId, result } = await wrapAgent('planner', () =>
      withSpan('ask', async () => {
        const mesh = { 'x-mesh': 'internal' }
        const joined = await fetch(`${url}/find?q=rows`, { headers: { ...propagationHeaders(), ...mesh } })
        const stranger = await fetch(`${url}/find?q=cats`, { headers: propagationHeaders() })
        return [await joined.json(), await stranger.json()]
      }),
    )

    search.send('stop')
    expect(await search.ended).toMatchObject({ code: 0, stderr: '' })
    await flush()
    expect(result).toEqual([['about rows'], ['about cats']])
    expectTrace(sink.tree(runId, { ...shown, scope: 'runspan.rollup.scope', whole: 'runspan.rollup.complete' })).toBe(`
      invoke_agent planner            status=completed scope=run whole=false
        ask
          GET /find                   kind=SERVER in=9 scope=segment whole=true
            execute_tool search
              chat small-model        kind=CLIENT
    `)
  })

  it('(d) a streaming agent: the run ends when the stream does', async () => {
    registerTelemetry(new OpenTelemetry())
    const model = new MockLanguageModelV4({
      provider: 'openai',
      modelId: 'gpt-4o-mini',
      doStream: {
        stream: simulateReadableStream({
          chunks: [
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: 'hello ' },
            { type: 'text-delta', id: '1', delta: 'world' },
            { type: 'text-end', id: '1' },
            {
              type: 'finish',
              finishReason: { unified: 'stop', raw: 'stop' },
              usage: {
                inputTokens: { total: 1000, noCache: 1000, cacheRead: 0, cacheWrite: 0 },
                outputTokens: { total: 100, text: 100, reasoning: 0 },
              },
            },
          ],
        }),
      },
    })
    const prompt = 'say hello'
    const req = new Request('http://localhost/chat')

    const chat = await wrapAgent('chat', (run) => streamText({ model, prompt, abortSignal: run.signal }), {
      signal: req.signal,
    })
    const response = chat.result.toTextStreamResponse({ headers: { 'x-run-id': chat.runId } })
    let hasEnded = false
    const ended = chat.ended.then(({ totals }) => {
      hasEnded = true
      return totals.costUsd
    })

    await new Promise((resolve) => setImmediate(resolve))
    expect(hasEnded).toBe(false)
    expect(response.headers.get('x-run-id')).toBe(chat.runId)
    expect(await response.text()).toBe('hello world')
    expect(await ended).toBeGreaterThan(0)
    await flush()
    expectTrace(sink.tree(chat.runId, shown)).toBe(`
      invoke_agent chat               status=completed in=1000
        invoke_agent gpt-4o-mini      in=1000
          step 1
            chat gpt-4o-mini          kind=CLIENT
    `)
  })

  it('(e) a run that another process ends', async () => {
    const queue = new Queue()
    const worker = new EventEmitter<{ failed: [Job, Error] }>()
    const loadRows = async (): Promise<number> => {
      if (queue.isBroken) throw new RangeError('no rows')
      return Promise.resolve(3)
    }

    await queue.add('import', startRun('import', { goal: 'load rows' }).handOff())
    const work = async (job: { data: RunRef }): Promise<void> => {
      endRun(job.data, { output: await joinRun(job.data, loadRows, { name: 'load rows' }) })
    }
    worker.on('failed', (job, error) => {
      if (job.finishedOn) endRun(job.data, { error })
    }) // once: after the last attempt

    const [done] = await queue.drain(work, worker)
    queue.isBroken = true
    await queue.add('import', startRun('import', { goal: 'load rows' }).handOff())
    const failed = once(worker, 'failed')
    const [lost] = await queue.drain(work, worker)
    await failed

    await flush()
    expectTrace(sink.tree(done!.runId, { ...shown, goal: 'runspan.run.goal', output: 'runspan.output' })).toBe(`
      invoke_agent import    status=completed goal=load rows output=3
        load rows
    `)
    expectTrace(sink.tree(lost!.runId, { ...shown, type: 'error.type' })).toBe(`
      invoke_agent import    status=failed type=RangeError ERROR
        load rows            type=RangeError ERROR
        load rows            type=RangeError ERROR
    `)
  })
})

interface Job {
  readonly data: RunRef
  finishedOn?: number
}

/** What a job queue does: data travels as JSON, and a job that fails is delivered once more. */
class Queue {
  isBroken = false
  readonly #jobs: string[] = []

  add(_name: string, data: RunRef): Promise<void> {
    this.#jobs.push(JSON.stringify(data))
    return Promise.resolve()
  }

  async drain(work: (job: Job) => Promise<void>, worker: EventEmitter<{ failed: [Job, Error] }>): Promise<RunRef[]> {
    const taken = this.#jobs.splice(0).map((json): Job => ({ data: JSON.parse(json) as RunRef }))
    for (const job of taken) {
      for (const attempt of [1, 2]) {
        try {
          await work(job)
          break
        } catch (error) {
          if (attempt === 2) job.finishedOn = Date.now()
          worker.emit('failed', job, error as Error)
        }
      }
    }
    return taken.map((job) => job.data)
  }
}
