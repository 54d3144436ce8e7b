import {
  metrics,
  type Attributes,
  type BatchObservableResult,
  type Histogram,
  type MeterProvider,
  type Observable,
} from '@opentelemetry/api'

import {
  ATTR_ERROR_TYPE,
  ATTR_OTEL_COMPONENT_NAME,
  ATTR_OTEL_COMPONENT_TYPE,
  ATTR_SERVER_ADDRESS,
} from '../../attributes.ts'
import { VERSION } from '../../internal/version.ts'
import type { DestinationStats } from './delivery-stats.ts'
import type { Destination } from './destination.ts'
import type { DropReason } from './drop.ts'
import type { RequestObserver } from './sender.ts'

/** Reasons for which spans never reach the exporting part. The other ones are failed exports. */
const processorReasons: readonly DropReason[] = ['queue_full', 'malformed', 'shutdown']
const exporterReasons: readonly DropReason[] = ['refused', 'too_large', 'spool_full', 'spool_expired', 'spool_damaged']

/**
 * What the SDK has no name for, or a name for itself: `otel.sdk.span.started` counts a span once in the process, where
 * this is about each destination.
 */
const ownCounters = {
  'runspan.delivery.span.started': ({ startedSpans }) => startedSpans,
  'runspan.delivery.span.adopted': ({ adoptedSpans }) => adoptedSpans,
  'runspan.delivery.span.unsampled': ({ unsampledSpans }) => unsampledSpans,
  'runspan.delivery.span.late': ({ lateSpans }) => lateSpans,
  'runspan.delivery.span.retried': ({ retriedSpans }) => retriedSpans,
  'runspan.delivery.span.truncated': ({ truncatedSpans }) => truncatedSpans,
} as const satisfies Readonly<Record<string, (stats: DestinationStats) => number>>

/** The same, of what goes up and down. */
const ownUpDownCounters = {
  'runspan.delivery.span.open': ({ openSpans }) => openSpans,
  'runspan.delivery.span.spooled': ({ spooledSpans }) => spooledSpans,
} as const satisfies Readonly<Record<string, (stats: DestinationStats) => number>>

/**
 * The account as OpenTelemetry metrics, under the names of the SDK's own (semantic conventions, "SDK metrics"). All but
 * the durations are observed when metrics are collected, so that counting costs nothing while spans pass.
 *
 * They stay after a shutdown: the last collection is the one that has all of it.
 *
 * @param provider @defaultValue the global one
 */
export function observeDelivery(
  destinations: readonly Destination[],
  stats: () => readonly DestinationStats[],
  provider: MeterProvider = metrics.getMeterProvider(),
): void {
  const meter = provider.getMeter('runspan', VERSION)
  const span = { unit: '{span}' }
  const processed = meter.createObservableCounter('otel.sdk.processor.span.processed', span)
  const queueSize = meter.createObservableUpDownCounter('otel.sdk.processor.span.queue.size', span)
  const queueCapacity = meter.createObservableUpDownCounter('otel.sdk.processor.span.queue.capacity', span)
  const exported = meter.createObservableCounter('otel.sdk.exporter.span.exported', span)
  const inFlight = meter.createObservableUpDownCounter('otel.sdk.exporter.span.inflight', span)
  const duration = meter.createHistogram('otel.sdk.exporter.operation.duration', { unit: 's' })

  const own: readonly (readonly [Observable, (stats: DestinationStats) => number])[] = [
    ...Object.entries(ownCounters).map(([name, read]) => [meter.createObservableCounter(name, span), read] as const),
    ...Object.entries(ownUpDownCounters).map(
      ([name, read]) => [meter.createObservableUpDownCounter(name, span), read] as const,
    ),
  ]

  function observe(result: BatchObservableResult): void {
    const all = stats()
    for (const [index, destination] of destinations.entries()) {
      const { queuedSpans, inFlightSpans, exportedSpans, rejectedSpans, droppedSpans } = all[index]!
      const component = { [ATTR_OTEL_COMPONENT_NAME]: destination.settings.name }
      for (const [instrument, read] of own) result.observe(instrument, read(all[index]!), component)
      const processor = componentOf('runspan_span_processor', destination)
      const exporter = exporterOf(destination)
      result.observe(queueSize, queuedSpans, processor)
      if (Number.isFinite(destination.backlog.bounds.maxQueueSize)) {
        result.observe(queueCapacity, destination.backlog.bounds.maxQueueSize, processor)
      }
      result.observe(processed, exportedSpans + rejectedSpans + sum(exporterReasons, droppedSpans), processor)
      observeReasons(processorReasons, droppedSpans, (spans, failed) =>
        result.observe(processed, spans, { ...processor, ...failed }),
      )
      result.observe(inFlight, inFlightSpans, exporter)
      result.observe(exported, exportedSpans, exporter)
      if (rejectedSpans > 0) result.observe(exported, rejectedSpans, { ...exporter, [ATTR_ERROR_TYPE]: 'rejected' })
      observeReasons(exporterReasons, droppedSpans, (spans, failed) =>
        result.observe(exported, spans, { ...exporter, ...failed }),
      )
    }
  }

  meter.addBatchObservableCallback(observe, [
    processed,
    queueSize,
    queueCapacity,
    exported,
    inFlight,
    ...own.map(([instrument]) => instrument),
  ])
  for (const destination of destinations) destination.onRequest = durationRecorder(duration, destination)
}

function durationRecorder(histogram: Histogram, destination: Destination): RequestObserver {
  const component = exporterOf(destination)
  return (durationMillis, failure) =>
    histogram.record(
      durationMillis / 1000,
      failure === undefined ? component : { ...component, [ATTR_ERROR_TYPE]: failure },
    )
}

function exporterOf(destination: Destination): Attributes {
  const { protocol, url } = destination.settings
  const type = protocol === 'http/json' ? 'otlp_http_json_span_exporter' : 'otlp_http_span_exporter'
  return { ...componentOf(type, destination), [ATTR_SERVER_ADDRESS]: new URL(url).hostname }
}

function componentOf(type: string, { settings }: Destination): Attributes {
  return { [ATTR_OTEL_COMPONENT_TYPE]: type, [ATTR_OTEL_COMPONENT_NAME]: `${type}/${settings.name}` }
}

function observeReasons(
  reasons: readonly DropReason[],
  dropped: DestinationStats['droppedSpans'],
  observe: (spans: number, failed: Attributes) => void,
): void {
  for (const reason of reasons) if (dropped[reason] > 0) observe(dropped[reason], { [ATTR_ERROR_TYPE]: reason })
}

function sum(reasons: readonly DropReason[], dropped: DestinationStats['droppedSpans']): number {
  return reasons.reduce((total, reason) => total + dropped[reason], 0)
}
