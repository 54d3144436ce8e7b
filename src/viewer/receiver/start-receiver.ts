import { once } from 'node:events'
// node:http alone: one route and a body do not need a framework, and a dependency here would be in every user's install.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { finished } from 'node:stream/promises'

import { diag } from '@opentelemetry/api'

import { checkOptions, type OptionNames } from '../../check-options.ts'
import { RunspanError } from '../../errors.ts'
import { answerExport, isExport, type SpanSink } from './answer-export.ts'
import { ByteBudget } from './byte-budget.ts'
import type { BodyLimits } from './read-body.ts'
import { Refusal } from './refusal.ts'

/** Options of {@link startReceiver}. */
export interface ReceiverOptions {
  /** The address to listen on. Anything but loopback lets others send spans. @defaultValue '127.0.0.1' */
  readonly host?: string | undefined
  /** The port to listen on; 0 is any free one. @defaultValue 0 */
  readonly port?: number | undefined
  /**
   * The largest body that is taken, in bytes after decompression; at least 1. All requests in flight together may take
   * four times as much. @defaultValue 67_108_864
   */
  readonly maxBodyBytes?: number | undefined
  /**
   * Takes the spans of one request, at least one; the exporter has its answer only afterwards. Log records that judge a
   * run come as spans `gen_ai.evaluation.result`: so feedback is found however it was sent. What it throws or rejects with is answered with 503, which makes an exporter send the same spans again: it may see spans twice.
   */
  readonly onSpans: SpanSink
  /** Answers requests for other paths than `/v1/traces` and `/v1/logs`. @defaultValue they are answered with 404 */
  readonly onOther?: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined
}

const optionNames: OptionNames<ReceiverOptions> = {
  host: true,
  port: true,
  maxBodyBytes: true,
  onSpans: true,
  onOther: true,
}

/** An OTLP/HTTP trace receiver that listens. */
export interface Receiver extends AsyncDisposable {
  /** The base address, for `OTEL_EXPORTER_OTLP_ENDPOINT`; exporters append `/v1/traces`. */
  readonly url: string
  /**
   * Stops listening and waits for the requests in flight, for five seconds at most. The second call returns the first
   * one's promise.
   */
  close(): Promise<void>
}

const defaultMaxBodyBytes = 64 * 1024 * 1024
/** How long a client may take to send a request, in milliseconds. */
const requestTimeoutMillis = 30_000
/** How long {@link Receiver.close} waits for clients, in milliseconds. */
const closeGraceMillis = 5_000
/** Connections at a time; further ones are refused, and exporters try again. */
const maxConnections = 1_000

/**
 * Starts an OTLP/HTTP trace receiver in this process, for demos, tests and viewers: `POST /v1/traces`, protobuf and
 * JSON, gzip or not. Of `POST /v1/logs` it takes the records that judge a run, and answers that all others are rejected.
 * It listens on loopback unless told otherwise, holds a bounded amount of memory, and keeps nothing. A web page cannot post
 * to it: both content types need a preflight, which is answered with 405.
 *
 * @throws {@link RunspanError} `bad_configuration` where an option cannot work or the port is taken
 *
 * @example
 * ```ts
 * import { startReceiver } from 'runspan/receiver'
 *
 * const receiver = await startReceiver({ onSpans: (spans) => console.log(spans.map((span) => span.name)) })
 * process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url
 * // … and when it is over:
 * await receiver.close()
 * ```
 */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  checkOptions('startReceiver', options, optionNames)
  const { host = '127.0.0.1', port = 0, maxBodyBytes = defaultMaxBodyBytes, onSpans, onOther } = options
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1) throw unusable('maxBodyBytes', maxBodyBytes)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw unusable('port', port)
  if (typeof onSpans !== 'function') throw unusable('onSpans', onSpans)
  const receiver = new HttpReceiver(onSpans, onOther, { maxBodyBytes, budget: new ByteBudget(4 * maxBodyBytes) })
  await receiver.listen(host, port)
  return receiver
}

function unusable(name: string, value: unknown): RunspanError {
  return new RunspanError('bad_configuration', `Failed to start a receiver: ${name} cannot be ${String(value)}.`)
}

class HttpReceiver implements Receiver {
  readonly #server: Server
  readonly #limits: BodyLimits
  readonly #onSpans: SpanSink
  readonly #onOther: ReceiverOptions['onOther']
  readonly #inFlight = new Set<Promise<void>>()
  #url = ''
  #isFailing = false
  #closed: Promise<void> | undefined

  constructor(onSpans: SpanSink, onOther: ReceiverOptions['onOther'], limits: BodyLimits) {
    this.#onSpans = onSpans
    this.#onOther = onOther
    this.#limits = limits
    this.#server = createServer(
      {
        requestTimeout: requestTimeoutMillis,
        headersTimeout: requestTimeoutMillis,
        connectionsCheckingInterval: 5_000,
      },
      (request, response) => this.#handle(request, response),
    )
    this.#server.maxConnections = maxConnections
  }

  get url(): string {
    return this.#url
  }

  async listen(host: string, port: number): Promise<void> {
    const server = this.#server
    server.listen(port, host)
    try {
      await once(server, 'listening')
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new RunspanError(
        'bad_configuration',
        `Failed to start a receiver on ${host} port ${port}: ${why}. Use another port, or 0 for a free one.`,
        { cause: error },
      )
    }
    server.on('error', (error) => diag.error('runspan: the receiver failed', error))
    const { address, port: actualPort, family } = server.address() as AddressInfo
    this.#url = `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}`
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const stopped = once(this.#server, 'close')
    this.#server.close()
    let grace: NodeJS.Timeout | undefined
    const elapsed = new Promise<void>((resolve) => {
      grace = setTimeout(resolve, closeGraceMillis)
      grace.unref()
    })
    await Promise.race([Promise.all(this.#inFlight), elapsed])
    clearTimeout(grace)
    this.#server.closeAllConnections()
    await stopped
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const other = isExport(request) ? undefined : this.#onOther
    const answer =
      other?.(request, response) ??
      answerExport(request, response, this.#limits, (spans, headers) => this.#deliver(spans, headers))
    const answered = answer
      .then(() => finished(response))
      // A client that left before its answer.
      .catch((error) => diag.debug('runspan: the receiver could not answer', error))
    this.#inFlight.add(answered)
    void answered.then(() => this.#inFlight.delete(answered))
  }

  /** Hands spans over. A sink that fails is reported once, until it works again. */
  async #deliver(...[spans, headers]: Parameters<SpanSink>): Promise<void> {
    try {
      await this.#onSpans(spans, headers)
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing)
        diag.error('runspan: onSpans of the receiver failed; exporters were told to try again', error)
      this.#isFailing = true
      throw new Refusal(503, 'The spans could not be taken. Try again later.', { cause: error })
    }
  }
}
