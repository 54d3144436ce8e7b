import { levelFor } from './level-for.ts'
import { shrinkText } from './shrink-text.ts'
import type { DraftItem, DraftValue, SpanDraft } from './span-draft.ts'
import { earlierOriginal, jsonMark } from './truncation-mark.ts'

/** Values are not cut below this: ids, names and what a mark takes. */
const minValueSizeBytes = 256
const tries = 5

/** A span that fits. */
export interface ShrunkSpan {
  readonly bytes: Uint8Array
  /** Values that were shortened, and parts that were left out. */
  readonly truncatedCount: number
}

/**
 * Makes a span fit: its largest values are shortened, all of them to the same length; then events are left out, oldest
 * first, then links, then attributes, largest first.
 *
 * @returns nothing where even that is too large
 */
export function shrinkDraft(draft: SpanDraft, sizeBytes: number, maxSizeBytes: number): ShrunkSpan | undefined {
  let bytes = shortenValues(draft, sizeBytes, maxSizeBytes)
  for (const items of [draft.events, draft.links, largestFirst(draft.attributes)]) {
    if (bytes !== undefined && bytes.length <= maxSizeBytes) break
    bytes = leaveOut(items, draft, bytes?.length ?? sizeBytes, maxSizeBytes)
  }
  if (bytes === undefined || bytes.length > maxSizeBytes) return undefined
  return { bytes, truncatedCount: truncatedCount(draft) }
}

function shortenValues(draft: SpanDraft, sizeBytes: number, maxSizeBytes: number): Uint8Array | undefined {
  const sizes = draft.values.map((value) => value.sizeBytes).toSorted((a, b) => b - a)
  const valuesSize = sizes.reduce((sum, size) => sum + size, 0)
  let cap = Math.max(minValueSizeBytes, levelFor(sizes, valuesSize - (sizeBytes - maxSizeBytes)))
  let bytes: Uint8Array | undefined
  for (let attempt = 0; attempt < tries; attempt++) {
    for (const value of draft.values) {
      if (value.sizeBytes <= cap) continue
      value.replacement =
        value.text === undefined
          ? JSON.stringify(jsonMark({ sizeBytes: value.sizeBytes, sha256: undefined }))
          : shrinkText(value.text, cap)
    }
    bytes = draft.build()
    if (bytes.length <= maxSizeBytes || cap === minValueSizeBytes) break
    // Quotes take more room than they were counted with where the encoding is JSON.
    cap = Math.max(minValueSizeBytes, Math.floor(cap * Math.min(0.9, (maxSizeBytes / bytes.length) * 0.95)))
  }
  return bytes
}

function leaveOut(items: readonly DraftItem[], draft: SpanDraft, sizeBytes: number, maxSizeBytes: number): Uint8Array {
  let bytes: Uint8Array | undefined
  let over = sizeBytes - maxSizeBytes
  for (const item of items) {
    if (item.isDropped) continue
    item.isDropped = true
    over -= item.sizeBytes
    if (over > 0) continue
    // Counted by what they were before values were shortened, so it may take more of them.
    bytes = draft.build()
    over = bytes.length - maxSizeBytes
    if (over <= 0) return bytes
  }
  return draft.build()
}

function largestFirst(items: readonly DraftItem[]): readonly DraftItem[] {
  return items.toSorted((a, b) => b.sizeBytes - a.sizeBytes)
}

function truncatedCount(draft: SpanDraft): number {
  const shortened = draft.values.filter(isNewlyShortened).length
  const dropped = [...draft.events, ...draft.links, ...draft.attributes].filter((item) => item.isDropped).length
  return shortened + dropped
}

/** One that exceeded its own budget is counted already. */
function isNewlyShortened({ replacement, text }: DraftValue): boolean {
  return replacement !== undefined && (text === undefined || earlierOriginal(text) === undefined)
}
