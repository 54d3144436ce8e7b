import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { logs, type LogAttributes } from '@opentelemetry/api-logs'
import { JsonLogsSerializer, ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { recordFeedback } from '../../src/run/feedback.ts'
import { createMemoryReader } from '../../src/query/readers/memory.ts'
import { openOtlpFileReader } from '../../src/query/readers/otlp-file/otlp-file-reader.ts'
import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import type { RunReader } from '../../src/query/run-reader.ts'
import { startReceiver } from '../../src/viewer/receiver/index.ts'
import { serve } from '../../src/viewer/serve/serve.ts'
import { idOf, root } from '../query/stored-spans.ts'

const runId = idOf('a1')
const spanId = runId.slice(16)
const types = { protobuf: 'application/x-protobuf', JSON: 'application/json' }

const records = new InMemoryLogRecordExporter()
const provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] })
beforeEach(() => void logs.setGlobalLoggerProvider(provider))
afterEach(() => {
  logs.disable()
  records.reset()
})

/** A record of somebody else, in the context of a span. */
function emit(eventName: string | undefined, attributes: LogAttributes, isInRun = true): void {
  const context = trace.setSpanContext(ROOT_CONTEXT, { traceId: runId, spanId, traceFlags: 1 })
  const of = isInRun ? { context } : { context: ROOT_CONTEXT }
  logs
    .getLogger('judge')
    .emit({ ...(eventName === undefined ? {} : { eventName }), attributes, timestamp: [5, 0], ...of })
}

/** The request that an exporter sends with all that was emitted. */
function request(encoding: keyof typeof types): Buffer {
  const serializer = encoding === 'JSON' ? JsonLogsSerializer : ProtobufLogsSerializer
  return Buffer.from(serializer.serializeRequest(records.getFinishedLogRecords())!)
}

function post(url: string, encoding: keyof typeof types): Promise<Response> {
  const headers = { 'content-type': types[encoding] }
  return fetch(`${url}/v1/logs`, { method: 'POST', headers, body: request(encoding) })
}

type Opened = { readonly reader: RunReader } & AsyncDisposable

/** Stores that were sent the records twice, as after an answer that was lost. */
const stores: Readonly<Record<string, () => Promise<Opened>>> = {
  async memory() {
    const reader = createMemoryReader([root(runId)])
    const receiver = await startReceiver({ onSpans: (spans) => reader.write(spans) })
    for (const encoding of ['protobuf', 'protobuf'] as const) await post(receiver.url, encoding)
    return { reader, [Symbol.asyncDispose]: () => receiver.close() }
  },
  async 'runspan serve'() {
    const server = await serve({ path: ':memory:', port: 0 })
    await server.store.write([root(runId)])
    for (const encoding of ['protobuf', 'JSON'] as const) await post(server.url, encoding)
    return { reader: createServeReader(server.url), [Symbol.asyncDispose]: () => server.close() }
  },
  async 'a span store'() {
    const server = await serve({ path: ':memory:', port: 0 })
    await server.store.write([root(runId)])
    for (const encoding of ['JSON', 'JSON'] as const) await post(server.url, encoding)
    return { reader: server.store.reader(), [Symbol.asyncDispose]: () => server.close() }
  },
  async 'a file'() {
    const directory = await mkdtemp(join(tmpdir(), 'runspan-logs-'))
    const path = join(directory, 'logs.jsonl')
    await writeFile(path, `${request('JSON').toString()}\n`.repeat(2))
    const reader = await openOtlpFileReader(path)
    return {
      reader,
      async [Symbol.asyncDispose]() {
        await reader.close()
        await rm(directory, { recursive: true })
      },
    }
  },
}

describe('reviews that were sent as log records', () => {
  it.each(Object.entries(stores))('are found in %s, each once', async (_name, open) => {
    recordFeedback(runId, { name: 'review', score: 0.5, label: 'good', comment: 'Short.', userId: 'u-1' })
    // Evaluators that know nothing of Runspan say by their context what they judge; older SDKs name events by attribute.
    emit('gen_ai.evaluation.result', { 'gen_ai.evaluation.name': 'Relevance', 'gen_ai.evaluation.score.value': 1 })
    emit(undefined, { 'event.name': 'gen_ai.evaluation.result', 'gen_ai.evaluation.name': 'Tone' })
    emit('gen_ai.client.inference.operation.details', { 'gen_ai.request.model': 'small' })

    await using opened = await open()
    const reviews = await opened.reader.reviews(runId)
    expect(new Set(reviews.map(({ name }) => name))).toEqual(new Set(['review', 'Relevance', 'Tone']))
    expect(reviews).toHaveLength(3)
    expect(reviews.find(({ name }) => name === 'review')).toMatchObject({
      score: 0.5,
      label: 'good',
      comment: 'Short.',
      reviewerId: 'u-1',
      reviewerKind: 'human',
    })
    expect(reviews.find(({ name }) => name === 'Relevance')).toMatchObject({
      score: 1,
      timeUnixNano: 5_000_000_000n,
      span: { links: [{ traceId: runId, spanId, attributes: { 'runspan.link.type': 'review' } }] },
    })
    // They are no runs, and no part of the one they judge.
    const listed = (await opened.reader.listRuns()).items.map((run) => run.runId)
    expect(listed.filter((id) => id !== runId)).toEqual([])
    expect((await opened.reader.getRun(runId))?.spanCount ?? 1).toBe(1)
  })

  it.each(['protobuf', 'JSON'] as const)(
    'come as %s, and what judges no run is said to be rejected',
    async (encoding) => {
      emit('gen_ai.evaluation.result', { 'gen_ai.evaluation.name': 'Relevance' })
      emit('gen_ai.evaluation.result', { 'gen_ai.evaluation.name': 'Relevance' }, false)
      emit('app.started', {})
      await using server = await serve({ path: ':memory:', port: 0 })
      const response = await post(server.url, encoding)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, types[encoding]])
      const answer = new Uint8Array(await response.arrayBuffer())
      const serializer = encoding === 'JSON' ? JsonLogsSerializer : ProtobufLogsSerializer
      const { partialSuccess } = serializer.deserializeResponse(answer)
      expect(Number(partialSuccess?.rejectedLogRecords)).toBe(2)
      expect(partialSuccess?.errorMessage).toContain('gen_ai.evaluation.result')
      expect(await server.store.reader().reviews(runId)).toHaveLength(1)
    },
  )

  it('are kept apart by tenant', async () => {
    recordFeedback(runId, { label: 'good' })
    await using server = await serve({ path: ':memory:', port: 0 })
    const headers = { 'content-type': types.JSON, 'x-scope-orgid': 'blue' }
    await fetch(`${server.url}/v1/logs`, { method: 'POST', headers, body: request('JSON') })
    expect(await createServeReader(server.url, { tenant: 'blue' }).reviews(runId)).toHaveLength(1)
    expect(await createServeReader(server.url, { tenant: 'red' }).reviews(runId)).toEqual([])
  })

  it.each(['protobuf', 'JSON'] as const)('are refused where the %s is damaged', async (encoding) => {
    await using server = await serve({ path: ':memory:', port: 0 })
    const headers = { 'content-type': types[encoding] }
    const body = Buffer.from([0x0a, 0x7f, 0x01])
    expect((await fetch(`${server.url}/v1/logs`, { method: 'POST', headers, body })).status).toBe(400)
  })
})
