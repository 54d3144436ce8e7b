import { ByteWriter } from './byte-writer.ts'
import { jsonDraft } from './json-draft.ts'
import { protobufDraft } from './protobuf-draft.ts'
import { shrinkDraft, type ShrunkSpan } from './shrink-draft.ts'
import type { SpanEncoding } from './span-encoding.ts'

/**
 * Makes an encoded span fit.
 *
 * @returns nothing where nothing that may be cut is left
 */
export function shrinkBytes(
  bytes: Uint8Array,
  contentType: SpanEncoding['contentType'],
  maxSizeBytes: number,
): ShrunkSpan | undefined {
  const draft = contentType === 'application/json' ? jsonDraft(bytes) : protobufDraft(bytes, new ByteWriter())
  return shrinkDraft(draft, bytes.length, maxSizeBytes)
}
