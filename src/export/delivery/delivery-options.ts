import type { MeterProvider } from '@opentelemetry/api'

import type { OptionNames } from '../../check-options.ts'
import type { Offload } from '../otlp/outgoing-values.ts'
import type { SizeBudgets } from '../otlp/size-budgets.ts'
import type { RedactionOptions } from '../redaction/redaction-options.ts'
import type { SpoolOptions } from '../spool/spool-options.ts'
import type { DropReport } from './drop.ts'

/** Certificates for a destination behind TLS, in PEM. */
export interface TlsOptions {
  /** The authorities that are trusted instead of the system's. */
  readonly ca?: string | Uint8Array | undefined
  /** The certificate that this client shows. */
  readonly cert?: string | Uint8Array | undefined
  /** The private key of that certificate. */
  readonly key?: string | Uint8Array | undefined
}

/** One place that spans go to. */
export interface DestinationOptions extends SizeBudgets {
  /** What the destination is called in accounts and messages. @defaultValue the URL's host */
  readonly name?: string | undefined
  /** The whole URL, path included. @defaultValue OTEL_EXPORTER_OTLP_*, else `http://localhost:4318/v1/traces` */
  readonly url?: string | undefined
  /** Headers of every request; they win over those of the environment. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** @defaultValue OTEL_EXPORTER_OTLP_COMPRESSION, else `none` */
  readonly compression?: 'gzip' | 'none' | undefined
  /** @defaultValue OTEL_EXPORTER_OTLP_PROTOCOL, else `http/protobuf` */
  readonly protocol?: 'http/protobuf' | 'http/json' | undefined
  /**
   * How long one attempt may take, in milliseconds; at least 1. Not how long delivery is tried, which has no end.
   *
   * @defaultValue OTEL_EXPORTER_OTLP_TIMEOUT, else 10_000
   */
  readonly timeoutMillis?: number | undefined
  /** @defaultValue OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY */
  readonly tls?: TlsOptions | undefined
  /**
   * How many bytes may wait for this destination or be on their way to it: encoded spans, each with 96 bytes of
   * bookkeeping. At least 1 MiB. What ends while it is full is dropped and counted. @defaultValue 67_108_864
   */
  readonly maxQueueSizeBytes?: number | undefined
  /** What may leave for this destination; `false` lets everything out as it was recorded. @defaultValue the built-in names and patterns */
  readonly redaction?: RedactionOptions | false | undefined
  /** Keeps values elsewhere that are too large for this destination. @defaultValue none: they are shortened */
  readonly offload?: Offload | undefined
  /** A directory for what cannot be delivered now. @defaultValue none: it waits in memory */
  readonly spool?: SpoolOptions | undefined
  /** How many requests may be on their way at once; at least 1. @defaultValue 8 */
  readonly maxConcurrentRequests?: number | undefined
}

/** Options of the `RunspanSpanProcessor` and the `RunspanExporter`. An option beats the environment, and that the default. */
export interface DeliveryOptions extends DestinationOptions {
  /**
   * Several places, each with its own queue, so that a slow one holds up no other. Then the options of a single one
   * may not be given beside it, and of the environment only protocol, compression and timeout count: credentials for
   * one place are not sent to another.
   */
  readonly destinations?: readonly DestinationOptions[] | undefined
  /** Hears of every span that is given up, at most once per request. What it throws is counted and harmless. */
  readonly onDrop?: ((drop: DropReport) => void) | undefined
  /**
   * Where the account goes as metrics, under the names of the SDK's own: `otel.sdk.processor.span.*`,
   * `otel.sdk.exporter.span.*`.
   *
   * @defaultValue the global one, as soon as the application has registered it
   */
  readonly meterProvider?: MeterProvider | undefined
  /**
   * How many milliseconds a span may wait for others to share a request with; at least 0.
   *
   * @defaultValue OTEL_BSP_SCHEDULE_DELAY, else 1000
   */
  readonly scheduledDelayMillis?: number | undefined
  /** How many spans one request has at most; at least 1. @defaultValue OTEL_BSP_MAX_EXPORT_BATCH_SIZE, else 1024 */
  readonly maxExportBatchSize?: number | undefined
  /**
   * How many spans may wait, besides the bound in bytes; at least 1.
   *
   * @defaultValue OTEL_BSP_MAX_QUEUE_SIZE, else no bound but the one in bytes
   */
  readonly maxQueueSize?: number | undefined
  /** How long a flush or a shutdown waits, in milliseconds; at least 1. @defaultValue OTEL_BSP_EXPORT_TIMEOUT, else 10_000 */
  readonly flushTimeoutMillis?: number | undefined
  /**
   * How long the end of the process may be held up, in milliseconds, where it comes without a shutdown:
   * `process.exit()`, or an exception that nobody catches. What is left is then sent from a worker thread, once. With 0
   * it is lost.
   *
   * @defaultValue 2000
   */
  readonly exitTimeoutMillis?: number | undefined
}

/** The names of {@link DestinationOptions}. */
export const destinationOptionNames: OptionNames<DestinationOptions> = {
  name: true,
  url: true,
  headers: true,
  compression: true,
  protocol: true,
  timeoutMillis: true,
  tls: true,
  maxQueueSizeBytes: true,
  maxAttributeSizeBytes: true,
  maxSpanSizeBytes: true,
  maxRequestSizeBytes: true,
  redaction: true,
  offload: true,
  spool: true,
  maxConcurrentRequests: true,
}

/** The names of {@link DeliveryOptions} that are about all destinations. */
export const deliveryOptionNames: OptionNames<Omit<DeliveryOptions, keyof DestinationOptions>> = {
  destinations: true,
  onDrop: true,
  meterProvider: true,
  scheduledDelayMillis: true,
  maxExportBatchSize: true,
  maxQueueSize: true,
  flushTimeoutMillis: true,
  exitTimeoutMillis: true,
}
