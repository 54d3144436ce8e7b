import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { logs } from '@opentelemetry/api-logs'
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startFileWriter } from '../../scripts/backends/collector.ts'
import { openOtlpFileReader } from '../../src/query/readers/otlp-file/otlp-file-reader.ts'
import { recordFeedback } from '../../src/run/feedback.ts'
import { manyId, manySpans } from '../support/many-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped, reviews in a file of the Collector: ${found.reason}`)

describe.skipIf(found.status === 'missing')('a file that the Collector wrote runs and log records into', () => {
  beforeAll(async () => void (await ensureBackends()), 900_000)

  it('has the reviews of its runs', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'runspan-log-reviews-'))
    const records = new InMemoryLogRecordExporter()
    logs.setGlobalLoggerProvider(
      new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] }),
    )
    recordFeedback(manyId(1), { label: 'good', comment: 'Short.', userId: 'u-1' })
    {
      await using collector = await startFileWriter(directory)
      await send(collector.otlpHttpEndpoint, 'traces', 'application/json', otlpJson(manySpans(1, 3)))
      const body = Buffer.from(ProtobufLogsSerializer.serializeRequest(records.getFinishedLogRecords())!)
      await send(collector.otlpHttpEndpoint, 'logs', 'application/x-protobuf', body)
      await using reader = await openOtlpFileReader(collector.path)
      for (let tries = 0; (await reader.reviews(manyId(1))).length === 0 && tries < 100; tries++) await delay(100)
      expect(await reader.reviews(manyId(1))).toMatchObject([{ label: 'good', comment: 'Short.', reviewerId: 'u-1' }])
      expect((await reader.getRun(manyId(1)))?.spanCount).toBe(3)
      expect(reader.damagedLineCount).toBe(0)
    }
    logs.disable()
    await rm(directory, { recursive: true })
  })
})

async function send(url: string, signal: string, type: string, body: string | Buffer): Promise<void> {
  const response = await fetch(`${url}/v1/${signal}`, { method: 'POST', headers: { 'content-type': type }, body })
  expect(response.status, await response.text()).toBe(200)
}
