import { trace } from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import { afterEach, describe, expect, it } from 'vitest'

import { configureRunspan, newRunId, recordFeedback, startRun, wrapAgent } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'

const feedback = { name: 'helpfulness', score: 0.5, label: 'good', comment: 'thanks', userId: 'u-1' }

function recordLogs(): InMemoryLogRecordExporter {
  const exporter = new InMemoryLogRecordExporter()
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }))
  return exporter
}

describe('feedback with a logger provider', () => {
  afterEach(() => logs.disable())

  it('is a log record in the context of the run’s root, and no span', async () => {
    await using spans = recordSpans()
    const records = recordLogs()
    const { runId } = await wrapAgent('planner', () => {})
    recordFeedback(runId, feedback)
    const [record] = records.getFinishedLogRecords()
    expect(record).toMatchObject({
      eventName: 'gen_ai.evaluation.result',
      severityNumber: 9,
      spanContext: { traceId: runId, spanId: spans.root(runId).spanContext().spanId },
      attributes: {
        'gen_ai.evaluation.name': 'helpfulness',
        'gen_ai.evaluation.score.value': 0.5,
        'gen_ai.evaluation.score.label': 'good',
        'gen_ai.evaluation.explanation': 'thanks',
        'runspan.target_run.id': runId,
        'runspan.reviewer.id': 'u-1',
        'runspan.reviewer.kind': 'human',
      },
      instrumentationScope: { name: 'runspan' },
    })
    expect(spans.all).toHaveLength(1)
  })

  it('is about the run, whatever is active', async () => {
    await using spans = recordSpans()
    const records = recordLogs()
    const about = newRunId()
    await wrapAgent('reviewer', () => recordFeedback(about, { score: 1 }))
    expect(records.getFinishedLogRecords()[0]!.spanContext?.traceId).toBe(about)
    expect(spans.all).toHaveLength(1)
  })

  it('passes the redaction point, and leaves the comment out where content is off', async () => {
    await using spans = recordSpans()
    const records = recordLogs()
    configureRunspan({ redact: (text) => text.replace('thanks', '•') })
    recordFeedback(newRunId(), feedback)
    configureRunspan({ content: 'off' })
    recordFeedback(newRunId(), feedback)
    expect(
      records.getFinishedLogRecords().map(({ attributes }) => attributes['gen_ai.evaluation.explanation']),
    ).toEqual(['•', undefined])
    expect(spans.all).toEqual([])
  })

  it('survives a logger that throws, counted', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    logs.setGlobalLoggerProvider({
      getLogger() {
        throw new Error('a logger provider of somebody else')
      },
    })
    recordFeedback(newRunId(), feedback)
    logs.disable()
    logs.setGlobalLoggerProvider({
      getLogger: () => ({
        emit() {
          throw new Error('a logger of somebody else')
        },
        enabled: () => true,
      }),
    })
    recordFeedback(newRunId(), feedback)
    expect(counts()).toMatchObject({ internalErrors: 2 })
    expect(spans.all.map(({ name }) => name)).toEqual(['gen_ai.evaluation.result'])
  })
})

describe('feedback without a logger provider', () => {
  it('is a short span of its own trace, with one review link to the run’s root', async () => {
    await using spans = recordSpans()
    const run = startRun('planner')
    run.with(() => recordFeedback(run.runId, feedback))
    recordFeedback(run.ref, { name: '', score: Number.NaN })
    run.end()
    const [first, second] = spans.all.filter((span) => span.name === 'gen_ai.evaluation.result')
    expect(first!.parentSpanContext).toBeUndefined()
    expect(first!.spanContext().traceId).not.toBe(run.runId)
    expect(first!.attributes).toMatchObject({
      'gen_ai.evaluation.score.value': 0.5,
      'runspan.target_run.id': run.runId,
    })
    expect(second!.attributes).not.toHaveProperty('gen_ai.evaluation.score.value')
    for (const span of [first, second]) {
      expect(span!.links).toMatchObject([
        { context: { traceId: run.runId, spanId: run.spanId }, attributes: { 'runspan.link.type': 'review' } },
      ])
    }
    // It is nobody's run and no run's part.
    expect(spans.of(run.runId)).toHaveLength(1)
    expect(first!.attributes).not.toHaveProperty('runspan.run.id')
  })

  it('takes dashed ids, and leaves out what is about no run, counted', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    recordFeedback('0af76519-16cd-43dd-8448-eb211c80319c', { score: 1 })
    for (const odd of ['ticket 7', '', undefined, {}, 7]) recordFeedback(odd as never, { score: 1 })
    expect(spans.all.map((span) => span.attributes['runspan.target_run.id'])).toEqual([
      '0af7651916cd43dd8448eb211c80319c',
    ])
    expect(counts()).toEqual({ invalidRunIds: 5 })
    expect(trace.getActiveSpan()).toBeUndefined()
  })
})
