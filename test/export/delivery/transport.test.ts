import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

import { context } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { isTracingSuppressed } from '@opentelemetry/core'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { startCollector } from '../../support/scripted-collector.ts'
import { deliver, names } from './ended-spans.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('a request', () => {
  it('says what it is, and keeps its connection', async () => {
    const ports = new Set<number>()
    await using collector = await startCollector()
    await using delivering = deliver({ url: `${collector.url}?key=1`, headers: { Authorization: 'Bearer t' } })
    for (const name of names(5)) {
      delivering.end(name)
      await delivering.processor.flush()
    }
    expect(collector.requests).toHaveLength(5)
    const { path, headers, body } = collector.requests[0]!
    expect(path).toBe('/v1/traces?key=1')
    expect(headers).toMatchObject({
      authorization: 'Bearer t',
      'content-type': 'application/x-protobuf',
      'content-length': String(body.byteLength),
      connection: 'keep-alive',
    })
    expect(headers['user-agent']).toMatch(/^Runspan-OTLP-Exporter-JavaScript\/\d/)
    for (const request of collector.requests) ports.add(request.remotePort)
    expect(ports.size).toBe(1)
  })

  it('is compressed where asked', async () => {
    await using collector = await startCollector()
    await using delivering = deliver({ url: collector.url, compression: 'gzip' })
    delivering.end('small')
    await delivering.processor.flush()
    const [request] = collector.requests
    expect(request).toMatchObject({ headers: { 'content-encoding': 'gzip' }, spanNames: ['small'] })
    expect(gunzipSync(request!.sent).byteLength).toBe(request!.sizeBytes)
  })

  it('goes out beside others, as many as allowed', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using collector = await startCollector(() => 'hang')
    await using delivering = deliver({
      url: collector.url,
      maxExportBatchSize: 1,
      maxConcurrentRequests: 3,
      flushTimeoutMillis: 1,
    })
    delivering.end(...names(10))
    void delivering.processor.flush()
    await collector.arrived(3)
    await new Promise((resolve) => setImmediate(resolve))
    expect(collector.requests).toHaveLength(3)
    expect(delivering.stats()).toMatchObject({ inFlightSpans: 3, queuedSpans: 7 })
  })

  it('is made with tracing suppressed, in whatever context a span ends; other requests are not', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    const isSuppressed: boolean[] = []
    const note = (): void => void isSuppressed.push(isTracingSuppressed(context.active()))
    subscribe('http.client.request.start', note)
    try {
      await using collector = await startCollector()
      await using delivering = deliver({ url: collector.url })
      delivering.end('one')
      await delivering.processor.flush()
      await new Promise((resolve) => get(collector.url, (response) => response.resume().on('end', resolve)))
      expect(collector.kept).toEqual(['one'])
      expect(isSuppressed).toEqual([true, false])
    } finally {
      unsubscribe('http.client.request.start', note)
      context.disable()
    }
  })
})

/** The path of a certificate or key. */
function file(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
}

describe('TLS', () => {
  it('trusts OTEL_EXPORTER_OTLP_CERTIFICATE and shows the client’s own; without them nothing is taken', async () => {
    const seen: string[] = []
    const server = createServer(
      {
        key: readFileSync(file('server.key')),
        cert: readFileSync(file('server.pem')),
        ca: readFileSync(file('client.pem')),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        seen.push(request.url ?? '')
        request.resume().on('end', () => response.end())
      },
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
      await using distrusting = deliver({ url: `${endpoint}/v1/traces`, flushTimeoutMillis: 300 })
      distrusting.end('no')
      expect(await distrusting.processor.flush()).toMatchObject({ status: 'timeout', pendingSpans: 1 })
      expect(seen).toEqual([])

      vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint)
      vi.stubEnv('OTEL_EXPORTER_OTLP_CERTIFICATE', file('server.pem'))
      vi.stubEnv('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', file('client.pem'))
      vi.stubEnv('OTEL_EXPORTER_OTLP_CLIENT_KEY', file('client.key'))
      await using trusting = deliver({})
      trusting.end('yes')
      expect(await trusting.processor.flush()).toMatchObject({ status: 'completed', exportedSpans: 1 })
      expect(seen).toEqual(['/v1/traces'])
    } finally {
      vi.restoreAllMocks()
      server.closeAllConnections()
      server.close()
    }
  })
})
