import { shrinkJson } from './shrink-json.ts'
import {
  cutToBytes,
  earlierOriginal,
  earlierTextMark,
  measureText,
  textMark,
  type OriginalText,
} from './truncation-mark.ts'

/**
 * A text in at most `maxSizeBytes`, which are at least 256. JSON stays JSON: its longest texts are shortened, then
 * elements in the middle of a list are left out. Other texts keep their beginning. Both say how large the original was,
 * and its hash: `{"_truncated":{"original_bytes":5242880,"sha256":"…"}}` as the last element of a list or as a member of
 * an object, `…[truncated original_bytes=5242880 sha256=…]` at the end of a text.
 */
export function shrinkText(text: string, maxSizeBytes: number, measured?: OriginalText): string {
  const sizeBytes = measured?.sizeBytes ?? Buffer.byteLength(text)
  if (sizeBytes <= maxSizeBytes) return text
  const original = earlierOriginal(text) ?? measured ?? measureText(text)
  const json = shrinkJson(text, { sizeBytes, maxSizeBytes, original })
  if (json !== undefined) return json
  const mark = textMark(original)
  return cutToBytes(text.replace(earlierTextMark, ''), maxSizeBytes - Buffer.byteLength(mark)) + mark
}
