import { createHash } from 'node:crypto'

/** A text before it was shortened. */
export interface OriginalText {
  /** In UTF-8. */
  readonly sizeBytes: number
  /** SHA-256 of the UTF-8 text, after redaction, in hexadecimal digits. Left out for what is no text. */
  readonly sha256?: string | undefined
}

/** A text that was measured. */
export interface MeasuredText extends OriginalText {
  readonly sha256: string
}

/** Size and hash of a text. */
export function measureText(text: string): MeasuredText {
  return { sizeBytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text, 'utf8').digest('hex') }
}

/** The mark at the end of a text. */
export const earlierTextMark = /…\[truncated original_bytes=(\d+) sha256=([\da-f]{64})\]$/
const earlierJsonMark = /"_truncated":\{"original_bytes":(\d+),"sha256":"([\da-f]{64})"/

/** Size and hash of the original of a text that was shortened before. */
export function earlierOriginal(text: string): OriginalText | undefined {
  const end = text.slice(-160)
  // A mark stands at an end; in the middle it is somebody's data.
  const match = earlierTextMark.exec(end) ?? earlierJsonMark.exec(end) ?? earlierJsonMark.exec(text.slice(0, 160))
  return match === null ? undefined : { sizeBytes: Number(match[1]), sha256: match[2] }
}

/** What JSON says of itself where it was shortened: `{"_truncated":{"original_bytes":…,"sha256":"…"}}`. */
export function jsonMark(original: OriginalText, extra?: Readonly<Record<string, string>>): object {
  return { _truncated: { original_bytes: original.sizeBytes, sha256: original.sha256, ...extra } }
}

/** What other texts say at their end. */
export function textMark({ sizeBytes, sha256 }: OriginalText): string {
  return `…[truncated original_bytes=${sizeBytes} sha256=${sha256}]`
}

/** The beginning of a text that fits into `maxSizeBytes` of UTF-8, cut between characters. */
export function cutToBytes(text: string, maxSizeBytes: number): string {
  const start = text.slice(0, Math.max(0, maxSizeBytes))
  if (Buffer.byteLength(start) <= maxSizeBytes) return withoutHalf(start)
  const bytes = Buffer.from(start)
  let end = maxSizeBytes
  // A byte 10xxxxxx goes on with the character before it.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Without the first half of a surrogate pair at its end. */
function withoutHalf(text: string): string {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text
}
