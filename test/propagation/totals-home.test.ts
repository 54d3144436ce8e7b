import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'

import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { injectRun, llm, propagationHeaders, recordLlmCall, takeTotals, withSpan, wrapAgent } from '../../src/index.ts'
import { carryRuns } from '../../src/export/node.ts'
import { runTreeOf } from '../../src/query/run-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { startReceiver, type Receiver } from '../../src/viewer/receiver/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'
import { serve } from '../support/serve.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'
import { foreignTotals } from './foreign-totals.ts'
import { apps } from './middleware/apps.ts'

let receiver: Receiver
let stored: StoredSpan[]
let services: FixtureProcess
let urls: Record<string, string>
let stop: () => void

beforeAll(async () => {
  stored = []
  receiver = await startReceiver({ port: 0, onSpans: (spans) => void stored.push(...spans) })
  services = spawnProcess(
    'totals-services',
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '10' },
  )
  urls = await services.message()
})
afterAll(async () => {
  services.send('stop')
  expect(await services.ended).toMatchObject({ code: 0, stderr: '' })
  await receiver.close()
})
beforeEach(() => {
  stop = carryRuns({ to: ['127.0.0.1'] })
})
afterEach(() => stop())

const call = (): void =>
  recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 2, outputTokens: 1, costUsd: 0.004 })

/** What a run's root says, where its one step did this. */
async function rootAfter(spans: RecordedSpans, work: () => unknown): Promise<Record<string, unknown>> {
  const { runId, ended } = await wrapAgent('planner', async () => {
    call()
    await work()
  })
  const { totals } = await ended
  const { attributes } = spans.root(runId)
  const at = (key: string): unknown => attributes[`runspan.${key}`]
  expect(totals).toMatchObject({ complete: at('rollup.complete'), llmCalls: at('calls.llm') })
  return {
    runId,
    complete: at('rollup.complete'),
    reasons: at('rollup.incomplete_reasons'),
    segments: at('rollup.remote_segments'),
    calls: at('calls.llm'),
    input: at('usage.input_tokens'),
    nanoUsd: at('cost.nano_usd'),
    spans: at('spans'),
  }
}

const own = {
  complete: true,
  reasons: undefined,
  segments: undefined,
  calls: 1,
  input: 2,
  nanoUsd: 4_000_000,
  spans: 2,
}
const withOne = { complete: true, reasons: undefined, segments: 1, calls: 2, input: 7, nanoUsd: 14_000_000, spans: 5 }

async function get(url: string): Promise<string> {
  return (await fetch(url)).text()
}

const onNode = apps.filter(({ name }) => !/fetch alone|Next/.test(name))
const onFetch = apps.filter(({ name }) => /fetch alone|Next/.test(name))

describe.each(apps)('a part that $name does', ({ name }) => {
  it('comes home with its answer, whole', async () => {
    await using spans = recordSpans()
    expect(await rootAfter(spans, () => get(`${urls[name]}/find/cats`))).toMatchObject(withOne)
  })

  it('comes home in the last chunk of a stream that says so', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, async () => {
      const text = await get(`${urls[name]}/last-word`)
      expect(takeTotals(JSON.parse(text.split('\n')[1]!) as { rows: number }).rows).toBe(3)
    })
    expect(root).toMatchObject({ ...withOne, spans: 4 })
  })

  it('comes home when it fails, and its failure with it', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, () => get(`${urls[name]}/status/503`))
    expect(root).toMatchObject({ ...own, segments: 1, spans: 3 })
    expect(spans.root(root['runId'] as string).attributes['runspan.errors']).toBe(1)
  })

  it('is missing while something of it is still open', async () => {
    await using spans = recordSpans()
    expect(await rootAfter(spans, () => get(`${urls[name]}/forgets`))).toMatchObject({
      ...own,
      complete: false,
      reasons: ['partial'],
    })
  })
})

describe.each(onNode)('a part that $name does', ({ name }) => {
  it('comes home in the trailer of an answer that is streamed', async () => {
    await using spans = recordSpans()
    expect(await rootAfter(spans, () => get(`${urls[name]}/stream`))).toMatchObject({ ...withOne, spans: 7 })
  })
})

describe.each(onFetch)('a part that $name does', ({ name }) => {
  it('is partial where its answer is streamed: fetch responses have no trailers', async () => {
    await using spans = recordSpans()
    expect(await rootAfter(spans, () => get(`${urls[name]}/stream`))).toMatchObject({
      ...own,
      complete: false,
      reasons: ['partial'],
    })
  })
})

describe('a run that others work on', () => {
  it('takes in what comes through a chain of services, each once', async () => {
    await using spans = recordSpans()
    const path = ask('Fastify 5', ask('Koa', 'find/cats'))
    const root = await rootAfter(spans, () => get(`${urls['Express 5']}/${path}`))
    // Express, Fastify and Koa are one process, which counts the run's parts side by side.
    expect(root).toMatchObject({ complete: true, segments: 3, calls: 4, input: 2 + 3 * 5 })
  })

  it('is read back with each call counted once, whether its part came home or not', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, async () => {
      await get(`${urls['Express 5']}/find/cats`)
      await get(`${urls['Hono with fetch alone']}/stream`)
    })
    expect(root).toMatchObject({ complete: false, reasons: ['partial'], segments: 1, calls: 2 })
    const runId = root['runId'] as string
    await store(spans.of(runId))
    const spansOfRun = (): readonly StoredSpan[] => stored.filter((span) => span.traceId === runId)
    await expect.poll(() => spansOfRun().length).toBe(10)
    const tree = runTreeOf(runId, spansOfRun())
    expect(tree.segments).toHaveLength(2)
    expect(tree.totals).toMatchObject({ llmCalls: 3, inputTokens: 12, spans: 10 })
  })

  it.each(['once', 'twice'])('counts a part that answers %s once', async (times) => {
    await using spans = recordSpans()
    let body: string | undefined
    await using fake = await serve((request, response) => {
      const runId = String(request.headers['traceparent']).slice(3, 35)
      body ??= foreignTotals(runId)
      response.setHeader('runspan-totals', body).end()
    })
    const root = await rootAfter(spans, async () => {
      await get(fake.url)
      if (times === 'twice') await get(fake.url)
    })
    expect(root).toMatchObject({ complete: true, segments: 1, calls: 2, input: 7 })
  })

  it('is not complete after a service that says nothing, crashes, does not trust it or is not waited for', async () => {
    await using spans = recordSpans()
    await using foreign = await serve((_request, response) => void response.end())
    await using crashing = await serve((request) => void request.socket.destroy())
    const missing = { ...own, complete: false, reasons: ['no_answer'] }
    expect(await rootAfter(spans, () => get(foreign.url))).toMatchObject(missing)
    expect(await rootAfter(spans, () => get(crashing.url).catch(() => undefined))).toMatchObject(missing)
    expect(await rootAfter(spans, () => get(`${urls['untrusting']}/find/cats`))).toMatchObject(missing)
    const leaving = new AbortController()
    const waiting = services.message()
    expect(
      await rootAfter(spans, async () => {
        void fetch(`${urls['Express 5']}/waits`, { signal: leaving.signal }).catch(() => undefined)
        await waiting
      }),
    ).toMatchObject(missing)
    leaving.abort()
  })

  it('is complete after a request that never left', async () => {
    await using spans = recordSpans()
    const gone = await serve(() => undefined)
    await gone[Symbol.asyncDispose]()
    expect(await rootAfter(spans, () => get(gone.url).catch(() => undefined))).toMatchObject(own)
  })

  it('believes no answer about another run, none that is malformed, and none of a host that is not named', async () => {
    await using spans = recordSpans()
    let header = ''
    await using fake = await serve((_request, response) => void response.setHeader('runspan-totals', header).end())
    const counts = countsFromNow()
    for (const forged of [foreignTotals('b'.repeat(32)), 'v1;']) {
      header = forged
      expect(await rootAfter(spans, () => get(fake.url))).toMatchObject({
        ...own,
        complete: false,
        reasons: ['no_answer'],
      })
    }
    expect(counts()).toMatchObject({ totalsMalformed: 2 })
    stop()
    stop = carryRuns({ to: ['elsewhere'] })
    expect(await rootAfter(spans, () => get(fake.url))).toMatchObject(own)
  })

  it('hears the answer to a request of node:http too, to its trailer', async () => {
    await using spans = recordSpans()
    for (const path of ['find/cats', 'stream']) {
      const root = await rootAfter(spans, async () => {
        const request = injectRun(httpRequest(`${urls['Express 5']}/${path}`))
        request.end()
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        response.resume()
        await once(response, 'end')
      })
      expect(root).toMatchObject({ complete: true, segments: 1, calls: 2, input: 7 })
    }
  })

  it('hears the answer beside the official instrumentation', async () => {
    await using spans = recordSpans()
    const instrumentation = new UndiciInstrumentation()
    instrumentation.setTracerProvider(spans.provider)
    const root = await rootAfter(spans, () => get(`${urls['Koa']}/find/cats`))
    instrumentation.disable()
    expect(root).toMatchObject({ ...withOne, spans: 6 })
  })

  it('is not complete where its headers were taken by hand', async () => {
    await using spans = recordSpans()
    const root = await rootAfter(spans, async () => {
      await (await fetch(`${urls['Koa']}/find/cats`, { headers: propagationHeaders() })).text()
    })
    expect(root).toMatchObject({ complete: false, reasons: ['shared'] })
  })
})

async function rootBeside(work: (url: string) => unknown): Promise<Record<string, unknown>> {
  await using spans = recordSpans()
  await using foreign = await serve((_request, response) => void response.end())
  const instrumentation = new UndiciInstrumentation()
  instrumentation.setTracerProvider(spans.provider)
  try {
    return await rootAfter(spans, () => work(foreign.url))
  } finally {
    instrumentation.disable()
  }
}

describe('a run that an instrumentation carries by itself', () => {
  beforeEach(() => stop())

  it('is not complete: whether that host joined, nobody knows', async () => {
    expect(await rootBeside((url) => get(url))).toMatchObject({ complete: false, reasons: ['unknown_service'] })
  })

  it('is complete where the application has said which hosts are its services, and that is none', async () => {
    stop = carryRuns({ to: ['search'] })
    expect(await rootBeside((url) => get(url))).toMatchObject({ complete: true, reasons: undefined })
  })

  it('is complete where the request is a model call’s own', async () => {
    const model = llm('ask', async (url: string) => ({
      text: await get(url),
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    }))
    expect(await rootBeside((url) => model(url))).toMatchObject({ complete: true, calls: 2 })
    // The control: another step is none.
    expect(await rootBeside((url) => withSpan('step', () => get(url)))).toMatchObject({ complete: false })
  })
})

/** The path on which a service asks another one. */
function ask(name: string, path: string): string {
  return `ask/${new URL(urls[name]!).port}/${Buffer.from(path).toString('base64url')}`
}

/** Sends the spans of this process to where the services send theirs. */
async function store(spans: readonly ReadableSpan[]): Promise<void> {
  const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
  await new Promise((resolve) => exporter.export([...spans], resolve))
  await exporter.shutdown()
}
