import { afterEach, describe, expect, it, vi } from 'vitest'

import { RunspanSpanProcessor, type DeliveryOptions } from '../../../src/export/index.ts'
import { deliverySettings } from '../../../src/export/delivery/delivery-settings.ts'
import type { DestinationSettings } from '../../../src/export/delivery/destination-settings.ts'
import { RunspanError } from '../../../src/index.ts'
import { recordDiag } from '../registered.ts'
import { diag } from '@opentelemetry/api'

afterEach(() => {
  vi.unstubAllEnvs()
  diag.disable()
})

function destination(environment: Record<string, string>, options: DeliveryOptions = {}): DestinationSettings {
  return deliverySettings(options, environment).destinations[0]!
}

describe('the environment', () => {
  it.each([
    [{}, 'http://localhost:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, 'http://collector:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' }, 'http://collector:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://host/base/' }, 'https://host/base/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://host/base?key=1' }, 'https://host/base/v1/traces?key=1'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://host:1/here' }, 'http://host:1/here'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://host:1' }, 'http://host:1/'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces/x' },
      'http://traces/x',
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, 'http://localhost:4318/v1/traces'],
  ])('gives the URL as the specification says: %o', (environment, url) => {
    expect(destination(environment).url).toBe(url)
  })

  it('gives headers: values with =, percent-encoded, the ones for traces over the general ones, options over both', () => {
    const environment = {
      OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic dXNlcjpwYXNz==,x-tenant=all,x-encoded=a%20b%2Cc',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-tenant=traces, x-more = 1 ',
    }
    expect(destination(environment, { headers: { 'X-More': '2' } }).headers).toEqual({
      authorization: 'Basic dXNlcjpwYXNz==',
      'x-tenant': 'traces',
      'x-encoded': 'a b,c',
      'x-more': '2',
    })
  })

  it('leaves out what is no header, and says so without its value', () => {
    const { warnings } = recordDiag()
    const headers = 'nothing,bad name=secret,ok=1,x-broken=se%0Acret,x-percent=100%'
    expect(destination({ OTEL_EXPORTER_OTLP_HEADERS: headers }).headers).toEqual({ ok: '1', 'x-percent': '100%' })
    expect(warnings).toHaveLength(3)
    expect(warnings.join()).not.toContain('secret')
  })

  it('gives compression, protocol and the time of one attempt, the variable for traces first', () => {
    expect(destination({})).toMatchObject({ compression: 'none', protocol: 'http/protobuf', timeoutMillis: 10_000 })
    const environment = {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '2500',
    }
    expect(destination(environment)).toMatchObject({ compression: 'none', protocol: 'http/json', timeoutMillis: 2500 })
  })

  it('gives OTEL_BSP_*; without a queue size in spans there is none', () => {
    expect(deliverySettings({}, {})).toMatchObject({
      scheduledDelayMillis: 1000,
      maxExportBatchSize: 1024,
      maxQueueSize: Number.POSITIVE_INFINITY,
      flushTimeoutMillis: 10_000,
    })
    const environment = {
      OTEL_BSP_SCHEDULE_DELAY: '20',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '7',
      OTEL_BSP_MAX_QUEUE_SIZE: '9',
      OTEL_BSP_EXPORT_TIMEOUT: '500',
    }
    expect(deliverySettings({ maxQueueSize: 11 }, environment)).toMatchObject({
      scheduledDelayMillis: 20,
      maxExportBatchSize: 7,
      maxQueueSize: 11,
      flushTimeoutMillis: 500,
    })
  })

  it('is not read for the addresses and secrets of several destinations', () => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://elsewhere',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    }
    const { destinations } = deliverySettings(
      { destinations: [{ url: 'http://one/' }, { url: 'http://two/' }] },
      environment,
    )
    expect(destinations).toEqual([
      expect.objectContaining({ name: 'one', url: 'http://one/', headers: {}, compression: 'gzip' }),
      expect.objectContaining({ name: 'two', url: 'http://two/', headers: {}, compression: 'gzip' }),
    ])
  })
})

describe('what cannot work is refused', () => {
  it.each<[string, DeliveryOptions, Record<string, string>, string]>([
    ['url', { url: 'localhost:4318' }, {}, 'with its scheme'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', {}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }, 'with its scheme'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', {}, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, '4318; gRPC has 4317'],
    ['protocol', { protocol: 'http/xml' as never }, {}, "Use 'http/protobuf' or 'http/json'."],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', {}, { OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd' }, "Use 'gzip' or 'none'."],
    ['timeoutMillis', { timeoutMillis: 0 }, {}, 'at least 1'],
    ['maxQueueSizeBytes', { maxQueueSizeBytes: 5 }, {}, 'at least 1048576'],
    ['maxRequestSizeBytes', { maxRequestSizeBytes: 5 }, {}, 'at least 20480'],
    ['redaction.content', { redaction: { content: 'some' as never } }, {}, "Use 'all' or 'off'."],
    ['headers.x', { headers: { x: 5 as never } }, {}, 'Pass a text.'],
    ['headers.x', { headers: { x: 'two\nlines' } }, {}, 'a character in its value'],
    ['headers.x y', { headers: { 'x y': 'a space' } }, {}, 'HTTP allows no such name'],
    ['onDrop', { onDrop: 'log' as never }, {}, 'Pass a function.'],
    ['delivery', { urls: [] } as never, {}, 'it has no option urls. Did you mean url? Known are name, url,'],
    ['destinations', { destinations: [{ ulr: 'http://a/' }] } as never, {}, 'it has no option ulr. Did you mean url?'],
    ['tls', { tls: { certificate: '' } } as never, {}, 'it has no option certificate. Did you mean cert?'],
    ['redaction', { redaction: { email: true } } as never, {}, 'it has no option email. Did you mean emails?'],
    ['destinations', { destinations: [] }, {}, 'at least one'],
    ['url', { url: 'http://one/', destinations: [{ url: 'http://two/' }] }, {}, 'set it in each of them'],
    ['destinations', { destinations: [{ url: 'http://a/' }, { url: 'http://a/b' }] }, {}, 'a name of its own'],
    ['destinations', { destinations: [{ name: 'a' }] }, {}, 'Give each a url.'],
    ['OTEL_EXPORTER_OTLP_CERTIFICATE', {}, { OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/such.pem' }, 'in PEM'],
  ])('%s, with advice', (name, options, environment, advice) => {
    for (const [variable, value] of Object.entries(environment)) vi.stubEnv(variable, value)
    const create = (): RunspanSpanProcessor => new RunspanSpanProcessor(options)
    expect(create).toThrow(RunspanError)
    expect(create).toThrow(`Failed to configure ${name}: `)
    expect(create).toThrow(advice)
  })
})
