import { SpanStatusCode, createTraceState } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'

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

/** Cuts the attribute `long` in the middle of its secret. */
export const maxAttributeSizeBytes = 2000
const letters = 'qwertyuiopasdfghjklzxcvbnm'
/** A secret for each place, no part of which stands anywhere else. */
export const canary = Object.fromEntries(
  places.map((place, index) => {
    const own = Array.from({ length: 24 }, (_, at) => letters[(at * (index + 3) + index * 7 + (at >> 2)) % 26]).join('')
    return [place, `sk-${own}${index}`]
  }),
) as Readonly<Record<(typeof places)[number], string>>
/** Known by its name only. */
export const plain = { named: 'correct horse battery', json: 'staple and hunter2', map: 'Tr0ub4dor and three' }

/**
 * A span of a library that knows nothing of Runspan, by the real SDK.
 *
 * @param tailLength how much the attribute `long` has behind its secret
 */
export function spanWithSecrets(tailLength = 10_000): ExportableSpan {
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
  span.setAttribute('long', `${cut}${canary['across the cut']}${' y'.repeat(tailLength / 2)}`)
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

/** Every piece of a secret that is long enough to be of use. */
export function piecesOf(secret: string): readonly string[] {
  return Array.from({ length: secret.length - 7 }, (_, start) => secret.slice(start, start + 8))
}

/** All of them. */
export const secrets = [...places.map((place) => canary[place]), ...Object.values(plain)]
