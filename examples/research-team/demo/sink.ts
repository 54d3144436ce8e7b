import type { StoredSpan } from 'runspan/query'
import { startReceiver } from 'runspan/receiver'

import { progressLine } from './progress.ts'

/** Where the services send their spans. */
export interface Sink extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string
  /** Every span so far; undefined where a collector has them. */
  readonly spans: readonly StoredSpan[] | undefined
}

/** A collector, where there is one; else a receiver in this process, which says what arrives. */
export async function openSink(collectorEndpoint: string | undefined, say: (line: string) => void): Promise<Sink> {
  if (collectorEndpoint) {
    return { endpoint: collectorEndpoint, spans: undefined, [Symbol.asyncDispose]: () => Promise.resolve() }
  }
  const spans: StoredSpan[] = []
  const receiver = await startReceiver({
    onSpans(received) {
      for (const span of received) {
        spans.push(span)
        const line = progressLine(span)
        if (line !== undefined) say(line)
      }
    },
  })
  return { endpoint: receiver.url, spans, [Symbol.asyncDispose]: () => receiver.close() }
}
