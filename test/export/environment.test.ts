import { describe, expect, it } from 'vitest'

import type { FlushReport } from '../../src/export/node.ts'
import type { AppScript } from '../fixtures/registered-app.ts'
import { spawnProcess, type ProcessEnd } from '../support/spawn-process.ts'
import { recordRequests, type OtlpRequests } from './otlp-requests.ts'

describe('registerRunspan reads the environment of a process', () => {
  it('says who reports: options, then OTEL_SERVICE_NAME, then OTEL_RESOURCE_ATTRIBUTES', async () => {
    await using sink = await recordRequests()
    const environment = {
      OTEL_SERVICE_NAME: 'from-name',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=from-attributes,team=search%20team,stage=test',
    }
    await runApp(sink, {}, environment)
    await runApp(
      sink,
      { options: { serviceName: 'from-options', resourceAttributes: { stage: 'options' } } },
      environment,
    )
    expect(sink.all[0]?.resource).toMatchObject({ 'service.name': 'from-name', team: 'search team', stage: 'test' })
    expect(sink.all[1]?.resource).toMatchObject({
      'service.name': 'from-options',
      team: 'search team',
      stage: 'options',
    })
    expect(sink.all[1]?.resource).toMatchObject({ 'telemetry.sdk.language': 'nodejs' })
  })

  it('sends where and how OTEL_EXPORTER_OTLP_* say', async () => {
    await using sink = await recordRequests()
    await runApp(sink, {}, { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
    expect(sink.all[0]).toMatchObject({
      path: '/v1/traces',
      headers: { 'x-tenant': 'acme', 'content-encoding': 'gzip', 'content-type': 'application/x-protobuf' },
    })
    await runApp(sink, {}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${sink.url}/elsewhere` })
    expect(sink.all[1]?.path).toBe('/elsewhere')
  })

  it.each([
    [{}, 'application/x-protobuf'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, 'application/x-protobuf'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, 'application/json'],
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' },
      'application/x-protobuf',
    ],
  ])('speaks the protocol of %o', async (environment, contentType) => {
    await using sink = await recordRequests()
    await runApp(sink, {}, environment)
    expect(sink.all.map(({ headers }) => headers['content-type'])).toEqual([contentType])
  })

  it.each([
    [{}, 'application/json'],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }, 'application/x-protobuf'],
  ])('uses OpenTelemetry’s own exporter where asked, with %o', async (environment, contentType) => {
    await using sink = await recordRequests()
    const { report } = await runApp(sink, { options: { exporter: 'stock' } }, environment)
    expect(report).toMatchObject({ status: 'completed', exportedSpans: 2 })
    expect(sink.all[0]?.headers).toMatchObject({
      'content-type': contentType,
      'user-agent': expect.stringContaining('OTel-OTLP-Exporter-JavaScript') as string,
    })
  })

  it('exports nothing with OTEL_TRACES_EXPORTER=none, and runs go on', async () => {
    await using sink = await recordRequests()
    const { report } = await runApp(sink, {}, { OTEL_TRACES_EXPORTER: 'none' })
    expect(report).toMatchObject({ status: 'completed', exportedSpans: 0 })
    expect(sink.all).toEqual([])
  })

  it('prints with OTEL_TRACES_EXPORTER=console, beside OTLP where both are named, and counts each span once', async () => {
    await using sink = await recordRequests()
    const printed = await runApp(sink, {}, { OTEL_TRACES_EXPORTER: 'console' })
    expect(printed.end.stdout).toContain("name: 'invoke_agent planner'")
    expect(printed.report).toMatchObject({ status: 'completed', exportedSpans: 2 })
    expect(sink.all).toEqual([])
    const both = await runApp(sink, {}, { OTEL_TRACES_EXPORTER: 'otlp, console' })
    expect(both.end.stdout).toContain("name: 'invoke_agent planner'")
    expect(both.report).toMatchObject({ status: 'completed', exportedSpans: 2 })
    expect(sink.spanNames).toEqual(['chat small-model', 'invoke_agent planner'])
  })

  it.each([
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, 2],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.0' }, 2],
    [{ OTEL_SDK_DISABLED: 'true' }, 0],
  ])('samples as %o says', async (environment, exportedSpans) => {
    await using sink = await recordRequests()
    const { report } = await runApp(sink, {}, environment)
    expect(report).toMatchObject({ status: 'completed', exportedSpans })
    expect(sink.spanNames).toHaveLength(exportedSpans)
  })

  it('limits attributes as OTEL_SPAN_ATTRIBUTE_* and OTEL_ATTRIBUTE_* say, and totals stay', async () => {
    await using sink = await recordRequests()
    const plainSpan = { first: 'planner', second: 2, third: 3, fourth: 4 }
    const limits = { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '4' }
    await runApp(sink, { plainSpan }, limits)
    const attributesOf = (name: string) => sink.all[0]!.spans.find((span) => span.name === name)?.attributes
    expect(attributesOf('plain')).toEqual({ first: 'plan', second: 2, third: 3 })
    expect(attributesOf('invoke_agent planner')).toMatchObject({
      'runspan.rollup.complete': true,
      'runspan.usage.input_tokens': 5,
    })
  })

  it('batches as OTEL_BSP_* say', async () => {
    await using sink = await recordRequests()
    await runApp(sink, { runs: 3 }, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4' })
    expect(sink.all.map(({ spans }) => spans.length)).toEqual([4, 2])
  })

  it('queues as many spans as memory allows, and counts what finds OTEL_BSP_MAX_QUEUE_SIZE full', async () => {
    await using sink = await recordRequests()
    const script = { runs: 2500 }
    const plenty = await runApp(sink, script, { OTEL_BSP_SCHEDULE_DELAY: '60000' })
    expect(plenty.report).toMatchObject({ status: 'completed', exportedSpans: 5000, droppedSpans: 0 })
    const few = await runApp(sink, { runs: 10 }, { OTEL_BSP_MAX_QUEUE_SIZE: '5', OTEL_BSP_SCHEDULE_DELAY: '60000' })
    expect(few.report).toMatchObject({ status: 'failed', exportedSpans: 5, droppedSpans: 15 })
  })

  it('queues 8192 spans before OpenTelemetry’s exporter where nobody says otherwise', async () => {
    await using sink = await recordRequests()
    const options = { exporter: 'stock' } as const
    const plenty = await runApp(sink, { runs: 2500, options }, { OTEL_BSP_SCHEDULE_DELAY: '60000' })
    expect(plenty.report).toMatchObject({ status: 'completed', exportedSpans: 5000, droppedSpans: 0 })
  })

  it('prints what OpenTelemetry says where OTEL_LOG_LEVEL asks for it', async () => {
    await using sink = await recordRequests(() => 400)
    const loud = await runApp(sink, {}, { OTEL_LOG_LEVEL: 'warn' })
    expect(loud.end.stderr).toMatch(/runspan: \d spans? (was|were) lost on the way to .* \(refused\): HTTP 400/)
    expect(loud.end.stderr).toMatch(/runspan: 127.0.0.1:\d+: 0 of 2 spans delivered, 2 dropped \(refused\)\./)
  })

  it('warns once of spans that are lost where nobody listens to diag, and once of their sum', async () => {
    await using sink = await recordRequests(() => 400)
    const quiet = await runApp(sink, { runs: 3 }, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2', NODE_NO_WARNINGS: '0' })
    expect(quiet.end.stderr.match(/RunspanWarning/g)).toHaveLength(2)
    expect(quiet.report).toMatchObject({ status: 'failed', failedSpans: 6 })
  })
})

/** Runs the application to its shutdown. */
async function runApp(
  sink: OtlpRequests,
  script: Omit<AppScript, 'finally'>,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly report: FlushReport; readonly end: ProcessEnd }> {
  await using app = spawnProcess('registered-app', { ...script, finally: 'shutdown' } satisfies AppScript, {
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    ...environment,
  })
  const report = await app.message<FlushReport>()
  const end = await app.ended
  expect(end).toMatchObject({ code: 0, signal: null })
  return { report, end }
}
