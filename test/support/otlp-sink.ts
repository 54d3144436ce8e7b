import type { Attributes, AttributeValue, HrTime, Link } from '@opentelemetry/api'

import { serve, type Served } from './serve.ts'
import { traceText, type Shown, type ShownSpan } from './trace-text.ts'

/** A span as it came over the wire. */
export interface ReceivedSpan extends ShownSpan {
  readonly traceId: string
  readonly spanId: string
  readonly endTime: HrTime
}

interface OtlpValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: number | string
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] }
}
interface OtlpAttribute {
  readonly key: string
  readonly value: OtlpValue
}
interface OtlpSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly OtlpAttribute[]
  readonly links?: readonly { traceId: string; spanId: string; flags?: number; attributes?: readonly OtlpAttribute[] }[]
  readonly status?: { readonly code?: number; readonly message?: string }
}
interface OtlpRequest {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[]
  }[]
}

/** An OTLP/HTTP JSON receiver on a free port: what the processes of a test export to. */
export class OtlpSink implements AsyncDisposable {
  readonly url: string
  readonly #spans: readonly ReceivedSpan[]
  readonly #served: Served

  constructor(served: Served, spans: readonly ReceivedSpan[]) {
    this.url = served.url
    this.#served = served
    this.#spans = spans
  }

  /** Every span received, in the order in which they started. */
  get all(): readonly ReceivedSpan[] {
    return this.#spans.toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
  }

  of(runId: string): readonly ReceivedSpan[] {
    return this.all.filter((span) => span.traceId === runId)
  }

  tree(runId: string, shown?: Shown<ReceivedSpan>): string {
    return traceText(this.of(runId), shown)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served[Symbol.asyncDispose]()
  }
}

/** @param beforeAnswer what a request waits for before it is answered: a slow backend */
export async function startOtlpSink(beforeAnswer: () => Promise<void> = () => Promise.resolve()): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = []
  const served = await serve((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString()) as OtlpRequest))
      void beforeAnswer().then(() => response.setHeader('content-type', 'application/json').end('{}'))
    })
  })
  return new OtlpSink(served, spans)
}

function spansOf(request: OtlpRequest): ReceivedSpan[] {
  return (request.resourceSpans ?? []).flatMap(({ scopeSpans }) =>
    (scopeSpans ?? []).flatMap(({ spans }) => (spans ?? []).map(received)),
  )
}

function received(span: OtlpSpan): ReceivedSpan {
  const { traceId, spanId, name } = span
  return {
    traceId,
    spanId,
    name,
    // OTLP counts kinds from 1, the api from 0.
    kind: span.kind - 1,
    attributes: attributesOf(span.attributes),
    links: (span.links ?? []).map((link): Link => ({
      context: { traceId: link.traceId, spanId: link.spanId, traceFlags: (link.flags ?? 1) & 0xff },
      attributes: attributesOf(link.attributes),
    })),
    status: { code: span.status?.code ?? 0, ...(span.status?.message ? { message: span.status.message } : {}) },
    startTime: hrTime(span.startTimeUnixNano),
    endTime: hrTime(span.endTimeUnixNano),
    parentSpanContext: span.parentSpanId ? { spanId: span.parentSpanId } : undefined,
    spanContext: () => ({ traceId, spanId }),
  }
}

function attributesOf(list: readonly OtlpAttribute[] | undefined): Attributes {
  return Object.fromEntries((list ?? []).map(({ key, value }) => [key, plain(value)]))
}

function plain(value: OtlpValue): AttributeValue {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain) as string[]
  if (value.intValue !== undefined) return Number(value.intValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? ''
}

function hrTime(unixNano: string): HrTime {
  const nanos = BigInt(unixNano)
  return [Number(nanos / 1_000_000_000n), Number(nanos % 1_000_000_000n)]
}
