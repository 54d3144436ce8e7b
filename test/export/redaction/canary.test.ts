import { SpanStatusCode, createTraceState } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { createOtlpEncoder, type OtlpEncoderOptions } from '../../../src/export/otlp/create-otlp-encoder.ts'
import type { ExportableSpan } from '../../../src/export/otlp/exportable-span.ts'

/** Where something secret may stand in a span, whoever recorded it. */
const places = [
  'attribute',
  'key',
  'list',
  'map',
  'bytes',
  'url',
  'name',
  'event name',
  'event',
  'message',
  'stack',
  'status',
  'link',
  'trace state',
  'resource',
  'scope',
  'across the cut',
] as const

const maxAttributeSizeBytes = 2000
const letters = 'qwertyuiopasdfghjklzxcvbnm'
/** A secret for each place, no part of which stands anywhere else. */
const canary = Object.fromEntries(
  places.map((place, index) => {
    const own = Array.from({ length: 24 }, (_, at) => letters[(at * (index + 3) + index * 7 + (at >> 2)) % 26]).join('')
    return [place, `sk-${own}${index}`]
  }),
) as Readonly<Record<(typeof places)[number], string>>
/** Known by its name only. */
const plain = { named: 'correct horse battery', json: 'staple and hunter2', map: 'Tr0ub4dor and three' }

/** A span of a library that knows nothing of Runspan, by the real SDK. */
function spanWithSecrets(): ExportableSpan {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'shop',
      'process.command_line': `run --key ${canary.resource}`,
    }),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  })
  const tracer = provider.getTracer(`somebody's library ${canary.scope}`)
  const span = tracer.startSpan(`GET ${canary.name}`, {
    links: [
      {
        context: {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          traceFlags: 1,
          traceState: createTraceState(`vendor=${canary['trace state']}`),
        },
        attributes: { 'link.note': canary.link },
      },
    ],
  })
  span.setAttribute('gen_ai.conversation.id', 'conversation-1')
  span.setAttribute('gen_ai.input.messages', JSON.stringify([{ role: 'user', content: canary.attribute }]))
  span.setAttribute(`header.${canary.key}`, 'value')
  span.setAttribute('argv', ['--token', canary.list])
  span.setAttribute('db.password', plain.named)
  span.setAttribute('gen_ai.tool.call.arguments', JSON.stringify({ inner: JSON.stringify({ password: plain.json }) }))
  span.setAttribute('url.full', `https://user:${canary.url}@example.org/`)
  const cut = 'x '.repeat(maxAttributeSizeBytes / 2 - 60)
  span.setAttribute('long', `${cut}${canary['across the cut']}${' y'.repeat(5000)}`)
  span.addEvent(`retry with ${canary['event name']}`, { detail: canary.event })
  const error = new Error(`401 for ${canary.message}`)
  error.stack = `Error: 401\n    at fetch (${canary.stack})`
  span.recordException(error)
  span.setStatus({ code: SpanStatusCode.ERROR, message: `failed with ${canary.status}` })
  // What SDK 3.x takes through its API.
  Object.assign((span as unknown as { attributes: object }).attributes, {
    payload: { deep: [{ text: canary.map }], client_secret: plain.map },
    raw: new TextEncoder().encode(`raw ${canary.bytes}`),
  })
  span.end()
  return exporter.getFinishedSpans()[0] as unknown as ExportableSpan
}

function request(span: ExportableSpan, options: OtlpEncoderOptions): string {
  const encoder = createOtlpEncoder(options)
  const bytes = Buffer.from(encoder.encodeRequest([encoder.encodeSpan(span)!]))
  // Bytes are in base64 where the encoding is JSON.
  const base64 = /"bytesValue":"([^"]*)"/.exec(bytes.toString())?.[1] ?? ''
  return bytes.toString() + Buffer.from(base64, 'base64').toString()
}

/** Every piece of a secret that is long enough to be of use. */
function piecesOf(secret: string): readonly string[] {
  return Array.from({ length: secret.length - 7 }, (_, start) => secret.slice(start, start + 8))
}

const secrets = [...places.map((place) => canary[place]), ...Object.values(plain)]

describe.each(['protobuf', 'json'] as const)('a span full of secrets, as %s', (encoding) => {
  it('holds them all where nothing is redacted', () => {
    const text = request(spanWithSecrets(), { encoding, redaction: false })
    expect(secrets.filter((secret) => !text.includes(secret))).toEqual([])
    expect(secrets).toHaveLength(20)
  })

  it.each([
    ['within its budgets', {}],
    ['cut through one of them', { maxAttributeSizeBytes }],
    ['cut to a twentieth', { maxSpanSizeBytes: 4096 }],
  ])('leaves without any piece of them, %s', (_title, budgets) => {
    const text = request(spanWithSecrets(), { encoding, ...budgets })
    expect(secrets.flatMap(piecesOf).filter((piece) => text.includes(piece))).toEqual([])
    expect(text).toContain('conversation-1')
    expect(text).toContain('[redacted')
  })

  it('is cut where a secret would be, were it not replaced first', () => {
    const text = request(spanWithSecrets(), { encoding, maxAttributeSizeBytes, redaction: false })
    const present = piecesOf(canary['across the cut']).filter((piece) => text.includes(piece))
    expect(present.length).toBeGreaterThan(0)
    expect(text).not.toContain(canary['across the cut'])
  })

  it('leaves for another destination as it was', () => {
    const span = spanWithSecrets()
    const whole = { encoding, redaction: false } as const
    const alone = request(span, whole)
    const encoder = createOtlpEncoder({ encoding, redaction: { content: 'off' }, maxSpanSizeBytes: 4096 })
    encoder.encodeRequest([encoder.encodeSpan(span)!])
    expect(request(span, whole)).toBe(alone)
  })

  it('loses its content, and keeps what it is found by, where content is off', () => {
    const text = request(spanWithSecrets(), { encoding, redaction: { content: 'off' } })
    expect(text).not.toContain('gen_ai.input.messages')
    expect(text).not.toContain('gen_ai.tool.call.arguments')
    expect(text).toContain('gen_ai.conversation.id')
    expect(text).toContain('url.full')
  })
})
