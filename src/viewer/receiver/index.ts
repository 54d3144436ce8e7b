/**
 * An OTLP/HTTP trace receiver inside a process. In: what OpenTelemetry exporters send to `/v1/traces`. Out: spans, as
 * one list per request. Called by demos, tests and viewers that need no collector.
 *
 * @module
 */
export { startReceiver, type Receiver, type ReceiverOptions } from './start-receiver.ts'
export type { SpanSink } from './answer-export.ts'
export type { StoredSpan } from '../../query/stored-span.ts'
