import { RunspanError } from '../../errors.ts'
import { Redaction } from '../redaction/redaction.ts'
import type { RedactionOptions } from '../redaction/redaction-options.ts'
import type { EncodedSpan } from './encoded-span.ts'
import type { ExportableSpan } from './exportable-span.ts'
import { JsonEncoding } from './json-encoding.ts'
import { largeJobs } from './large-jobs.ts'
import { LargeTextPreparation } from './large-text-preparation.ts'
import type { OtlpEncoder } from './otlp-encoder.ts'
import { OutgoingValues, type MetText, type Offload } from './outgoing-values.ts'
import { ProtobufEncoding } from './protobuf-encoding.ts'
import { shrinkBytes } from './shrink-bytes.ts'
import type { ShrunkSpan } from './shrink-draft.ts'
import { resolveBudgets, type SizeBudgets } from './size-budgets.ts'
import type { SpanEncoding } from './span-encoding.ts'

/** How one destination is written to. */
export interface OtlpEncoderOptions extends SizeBudgets {
  /** @defaultValue 'protobuf', which is smaller and faster than JSON */
  readonly encoding?: 'protobuf' | 'json' | undefined
  /** What may leave; `false` lets everything out as it was recorded. @defaultValue the built-in names and patterns */
  readonly redaction?: RedactionOptions | false | undefined
  /** Keeps values elsewhere that are too large. @defaultValue none: they are shortened */
  readonly offload?: Offload | undefined
}

/** Spans from here on are shortened in a worker thread. */
const largeSpanSizeBytes = 256 * 1024

/**
 * Makes the encoder of one destination.
 *
 * @throws {@link RunspanError} `bad_configuration` where an option cannot work
 */
export function createOtlpEncoder(options: OtlpEncoderOptions = {}): OtlpEncoder {
  return new DestinationEncoder(options)
}

class DestinationEncoder implements OtlpEncoder {
  readonly #options: OtlpEncoderOptions
  readonly #encoding: SpanEncoding
  readonly #values: OutgoingValues
  readonly #preparation: LargeTextPreparation
  readonly #maxSpanSizeBytes: number
  #isEncoding = false
  #inner: DestinationEncoder | undefined

  readonly #isInner: boolean

  constructor(options: OtlpEncoderOptions, isInner = false) {
    this.#options = options
    this.#isInner = isInner
    const { maxAttributeSizeBytes, maxSpanSizeBytes } = resolveBudgets(options)
    const redaction = options.redaction === false ? undefined : new Redaction(options.redaction)
    this.#values = new OutgoingValues(redaction, maxAttributeSizeBytes, options.offload)
    this.#preparation = new LargeTextPreparation(redaction, this.#values, options.offload, largeJobs)
    this.#encoding =
      encodingOf(options) === 'json' ? new JsonEncoding(this.#values) : new ProtobufEncoding(this.#values)
    this.#maxSpanSizeBytes = maxSpanSizeBytes
  }

  get contentType(): OtlpEncoder['contentType'] {
    return this.#encoding.contentType
  }

  get pendingSizeBytes(): number {
    return largeJobs.pendingSizeBytes
  }

  encodeSpan(span: ExportableSpan): EncodedSpan | undefined {
    if (this.#isEncoding) return this.#forSpansWithin()?.encodeSpan(span)
    const encoded = this.#encodeWhole(span)
    return encoded && this.shrinkSpan(encoded, this.#maxSpanSizeBytes)
  }

  encodeSpanAsync(span: ExportableSpan): EncodedSpan | undefined | Promise<EncodedSpan | undefined> {
    if (this.#isEncoding) return this.#forSpansWithin()?.encodeSpanAsync(span)
    this.#values.startDeferring()
    const encoded = this.#encodeWhole(span)
    const large = this.#values.stopDeferring()
    return large === undefined ? this.#inBudget(encoded) : this.#encodeLarge(span, large)
  }

  encodeRequest(spans: readonly EncodedSpan[]): Uint8Array {
    return this.#encoding.request(spans)
  }

  requestSizeBytes(spans: readonly EncodedSpan[]): number {
    return this.#encoding.requestSizeBytes(spans)
  }

  shrinkSpan(span: EncodedSpan, maxSizeBytes: number): EncodedSpan | undefined {
    if (span.sizeBytes <= maxSizeBytes) return span
    try {
      return inPlaceOf(span, shrinkBytes(span.bytes, this.contentType, maxSizeBytes))
    } catch {
      return undefined
    }
  }

  #encodeWhole(span: ExportableSpan): EncodedSpan | undefined {
    this.#isEncoding = true
    try {
      return this.#encoding.encode(span)
    } catch {
      return undefined
    } finally {
      this.#isEncoding = false
    }
  }

  /**
   * A function of the application that redacts or keeps a value may end spans itself, in the middle of this one. If
   * those have it called once more, and so without end, they are not encoded.
   */
  #forSpansWithin(): DestinationEncoder | undefined {
    if (this.#isInner) return undefined
    return (this.#inner ??= new DestinationEncoder(this.#options, true))
  }

  async #encodeLarge(span: ExportableSpan, large: readonly MetText[]): Promise<EncodedSpan | undefined> {
    const prepared = await this.#preparation.prepare(large, span)
    return this.#inBudget(this.#values.with(prepared, () => this.#encodeWhole(span)))
  }

  #inBudget(span: EncodedSpan | undefined): EncodedSpan | undefined | Promise<EncodedSpan | undefined> {
    const maxSizeBytes = this.#maxSpanSizeBytes
    if (span === undefined || span.sizeBytes <= maxSizeBytes) return span
    return span.sizeBytes < largeSpanSizeBytes ? this.shrinkSpan(span, maxSizeBytes) : this.#shrinkElsewhere(span)
  }

  async #shrinkElsewhere(span: EncodedSpan): Promise<EncodedSpan | undefined> {
    const { bytes } = span
    const maxSizeBytes = this.#maxSpanSizeBytes
    const result = await largeJobs.run({ bytes, contentType: this.contentType, maxSizeBytes })
    return result === undefined ? this.shrinkSpan(span, maxSizeBytes) : inPlaceOf(span, result.shrunk)
  }
}

function inPlaceOf(span: EncodedSpan, shrunk: ShrunkSpan | undefined): EncodedSpan | undefined {
  return shrunk && span.withBytes(shrunk.bytes, span.truncatedCount + shrunk.truncatedCount)
}

function encodingOf({ encoding = 'protobuf' }: OtlpEncoderOptions): 'protobuf' | 'json' {
  if (encoding === 'protobuf' || encoding === 'json') return encoding
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure encoding: ${String(encoding)} cannot be used. Use 'protobuf' or 'json'.`,
  )
}
