/** Something of an encoded span that can be left out. */
export interface DraftItem {
  /** As it is encoded. */
  readonly sizeBytes: number
  isDropped: boolean
}

/** A value of an attribute or a status message, wherever in the span it stands. */
export interface DraftValue extends DraftItem {
  /** What it says, where it is a text; nothing for lists, maps and bytes. */
  readonly text: string | undefined
  /** What it shall say instead. */
  replacement: string | undefined
}

/** An encoded span taken apart so far that values can be replaced, and parts left out. */
export interface SpanDraft {
  /** Texts, lists, maps and bytes; not numbers, which are small. */
  readonly values: readonly DraftValue[]
  /** Attributes of the span itself, whatever they hold. */
  readonly attributes: readonly DraftItem[]
  /** Oldest first. */
  readonly events: readonly DraftItem[]
  /** Oldest first. */
  readonly links: readonly DraftItem[]
  /** The span as it is now, with what was left out added to its counts of dropped things. */
  build(): Uint8Array
}
