import { SpanKind, SpanStatusCode, type Attributes, type HrTime } from '@opentelemetry/api'

import { startReceiver, type Receiver, type StoredSpan } from '../../src/viewer/receiver/index.ts'
import { saysOpen } from './says-open.ts'
import { traceText, type Shown, type ShownSpan } from './trace-text.ts'

/** A span as it came over the wire, in the shape in which the SDK has it. */
export interface ReceivedSpan extends ShownSpan {
  readonly traceId: string
  readonly spanId: string
  readonly endTime: HrTime
}

/** An OTLP/HTTP receiver on a free port: what the processes of a test export to. */
export class OtlpSink implements AsyncDisposable {
  readonly url: string
  readonly #receiver: Receiver
  readonly #spans: readonly ReceivedSpan[]

  constructor(receiver: Receiver, spans: readonly ReceivedSpan[]) {
    this.url = receiver.url
    this.#receiver = receiver
    this.#spans = spans
  }

  /** Every span received, in the order in which they started, but for those that only say that a run is open. */
  get all(): readonly ReceivedSpan[] {
    return this.#spans
      .filter(({ name }) => !saysOpen(name))
      .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1])
  }

  /** The spans that only say that a run is open, in the order in which they came. */
  get live(): readonly ReceivedSpan[] {
    return this.#spans.filter(({ name }) => saysOpen(name))
  }

  of(runId: string): readonly ReceivedSpan[] {
    return this.all.filter((span) => span.traceId === runId)
  }

  tree(runId: string, shown?: Shown<ReceivedSpan>): string {
    return traceText(this.of(runId), shown)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#receiver.close()
  }
}

/** @param beforeAnswer what a request waits for before it is answered: a slow backend */
export async function startOtlpSink(beforeAnswer: () => Promise<void> = () => Promise.resolve()): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = []
  const receiver = await startReceiver({
    port: 0,
    onSpans(received) {
      spans.push(...received.map(asReceived))
      return beforeAnswer()
    },
  })
  return new OtlpSink(receiver, spans)
}

const kinds: Readonly<Record<StoredSpan['kind'], SpanKind>> = {
  unspecified: SpanKind.INTERNAL,
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
}
const codes: Readonly<Record<StoredSpan['status']['code'], SpanStatusCode>> = {
  unset: SpanStatusCode.UNSET,
  ok: SpanStatusCode.OK,
  error: SpanStatusCode.ERROR,
}

function asReceived(span: StoredSpan): ReceivedSpan {
  const { traceId, spanId, name, parentSpanId, status } = span
  return {
    traceId,
    spanId,
    name,
    kind: kinds[span.kind],
    attributes: span.attributes as Attributes,
    links: span.links.map((link) => ({
      context: { traceId: link.traceId, spanId: link.spanId, traceFlags: link.flags & 0xff },
      attributes: link.attributes as Attributes,
    })),
    status: { code: codes[status.code], ...(status.message === undefined ? {} : { message: status.message }) },
    startTime: hrTime(span.startUnixNano),
    endTime: hrTime(span.endUnixNano),
    parentSpanContext: parentSpanId === undefined ? undefined : { spanId: parentSpanId },
    spanContext: () => ({ traceId, spanId }),
  }
}

function hrTime(unixNano: bigint): HrTime {
  return [Number(unixNano / 1_000_000_000n), Number(unixNano % 1_000_000_000n)]
}
