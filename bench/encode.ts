/**
 * What a span costs on its way into the bytes of a request: Runspan's encoder beside OpenTelemetry's own serializer, in
 * one process, as protobuf and as JSON, without redaction and with the built-in rules. Prints microseconds per span
 * (medians over rounds) and the median over rounds of ours to theirs.
 *
 *     npm run bench:encode
 */
import { SpanKind, type Tracer } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'

import { createOtlpEncoder, type OtlpEncoderOptions } from '../src/export/otlp/create-otlp-encoder.ts'
import { median, medianRatio, pairedRounds } from './paired.ts'

const spansPerRequest = 512
const rounds = 150
const warmUpRounds = 60

const models = ['gpt-4.1-mini', 'gpt-5', 'claude-sonnet-4-6'] as const
const words = 'What a span costs on its way is paid by whoever waits for the answer. '

/** Spans as agents make them. Ids and numbers differ from span to span, names of models and tools repeat. */
const shapes: Readonly<Record<string, (tracer: Tracer, index: number) => void>> = {
  'tool call, 6 attributes': (tracer, index) => {
    const span = tracer.startSpan('execute_tool search', { kind: SpanKind.INTERNAL })
    span.setAttribute('gen_ai.operation.name', 'execute_tool')
    span.setAttribute('gen_ai.tool.name', 'search')
    span.setAttribute('gen_ai.tool.call.id', `call_${index.toString(36).padStart(12, 'x')}`)
    span.setAttribute('gen_ai.conversation.id', 'conversation-7')
    span.setAttribute('app.results', index % 40)
    span.setAttribute('app.cached', index % 3 === 0)
    span.end()
  },
  'model call, 10 attributes': (tracer, index) => {
    const model = models[index % models.length]!
    const span = tracer.startSpan(`chat ${model}`, { kind: SpanKind.CLIENT })
    span.setAttribute('gen_ai.operation.name', 'chat')
    span.setAttribute('gen_ai.provider.name', 'openai')
    span.setAttribute('gen_ai.request.model', model)
    span.setAttribute('gen_ai.response.model', model)
    span.setAttribute('gen_ai.response.id', `chatcmpl-${index.toString(36).padStart(20, 'A')}`)
    span.setAttribute('gen_ai.response.finish_reasons', ['stop'])
    span.setAttribute('gen_ai.usage.input_tokens', 800 + index)
    span.setAttribute('gen_ai.usage.output_tokens', 60 + (index % 50))
    span.setAttribute('gen_ai.conversation.id', 'conversation-7')
    span.setAttribute('runspan.call.cost.nano_usd', 412_300 + index)
    span.end()
  },
  'HTTP request, 14 attributes': (tracer, index) => {
    const span = tracer.startSpan('POST', { kind: SpanKind.CLIENT })
    span.setAttribute('http.request.method', 'POST')
    span.setAttribute('url.full', `https://api.example.org/v1/items/${index}?expand=all`)
    span.setAttribute('url.scheme', 'https')
    span.setAttribute('url.path', `/v1/items/${index}`)
    span.setAttribute('url.query', 'expand=all')
    span.setAttribute('server.address', 'api.example.org')
    span.setAttribute('server.port', 443)
    span.setAttribute('network.peer.address', '192.0.2.7')
    span.setAttribute('network.peer.port', 443)
    span.setAttribute('network.protocol.version', '1.1')
    span.setAttribute('user_agent.original', 'node')
    span.setAttribute('http.response.status_code', 200)
    span.setAttribute('http.response.body.size', 2048 + index)
    span.setAttribute('user.id', `user-${index % 20}`)
    span.end()
  },
  'model call with 4 KB of messages': (tracer, index) => {
    const span = tracer.startSpan('chat gpt-5', { kind: SpanKind.CLIENT })
    span.setAttribute('gen_ai.operation.name', 'chat')
    span.setAttribute('gen_ai.request.model', 'gpt-5')
    span.setAttribute('gen_ai.usage.input_tokens', 800 + index)
    const content = words.repeat(28)
    span.setAttribute('gen_ai.input.messages', JSON.stringify([{ role: 'user', content: `${index} ${content}` }]))
    span.setAttribute('gen_ai.output.messages', JSON.stringify([{ role: 'assistant', content: `${content} ${index}` }]))
    span.end()
  },
  'failed span with an exception': (tracer, index) => {
    const span = tracer.startSpan('execute_tool fetch')
    span.setAttribute('error.type', 'TypeError')
    span.setAttribute('gen_ai.tool.name', 'fetch')
    span.recordException(new TypeError(`fetch failed for item ${index}`))
    span.setStatus({ code: 2, message: `fetch failed for item ${index}` })
    span.end()
  },
}

function spansOf(make: (tracer: Tracer, index: number) => void): readonly ReadableSpan[] {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const tracer = provider.getTracer('bench', '1.0.0')
  for (let index = 0; index < spansPerRequest; index++) make(tracer, index)
  return exporter.getFinishedSpans()
}

function ours(spans: readonly ReadableSpan[], options: OtlpEncoderOptions): () => Uint8Array {
  const encoder = createOtlpEncoder(options)
  return () => encoder.encodeRequest(spans.map((span) => encoder.encodeSpan(span)!))
}

console.log(`Node ${process.version}, ${rounds} rounds of ${spansPerRequest} spans; µs per span, and ours to theirs`)
console.log(`${''.padEnd(34)}${'stock'.padStart(8)}${'ours'.padStart(16)}${'with redaction'.padStart(18)}   bytes`)
for (const [shape, make] of Object.entries(shapes)) {
  const spans = spansOf(make)
  for (const encoding of ['protobuf', 'json'] as const) {
    const serializer = encoding === 'json' ? JsonTraceSerializer : ProtobufTraceSerializer
    const requests = {
      stock: () => serializer.serializeRequest(spans as ReadableSpan[])!,
      plain: ours(spans, { encoding, redaction: false }),
      redacted: ours(spans, { encoding }),
    }
    const sides = {
      stock: { unit: () => Promise.resolve(requests.stock()) },
      plain: { unit: () => Promise.resolve(requests.plain()) },
      redacted: { unit: () => Promise.resolve(requests.redacted()) },
    }
    const timed = await pairedRounds(sides, { rounds, unitsPerBlock: 1, warmUpRounds })
    const micros = (name: keyof typeof sides): string =>
      (median(timed.map((round) => round[name])) / spansPerRequest / 1000).toFixed(2)
    const ratio = (name: keyof typeof sides): string => medianRatio(timed, name, 'stock').toFixed(2)
    console.log(
      `${`${shape}, ${encoding}`.padEnd(42)}${micros('stock').padStart(6)}` +
        `${`${micros('plain')} (${ratio('plain')}×)`.padStart(16)}${`${micros('redacted')} (${ratio('redacted')}×)`.padStart(16)}` +
        `   ${Math.round(requests.stock().length / spansPerRequest)} → ${Math.round(requests.plain().length / spansPerRequest)}`,
    )
  }
}
