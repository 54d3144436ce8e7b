const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Control and format characters, the joiner inside emoji aside. Spans come over the network: none of it is trusted. */
const unprintable = /(?!\u200d)[\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu

/** Characters of two columns: emoji, and what East Asia writes. */
const wide =
  /^(?:\p{Emoji_Presentation}|.*\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u

/** Any text as one line that moves no cursor and changes no colour. */
export function oneLine(text: string): string {
  return text.replaceAll(unprintable, ' ').replaceAll(/\s+/g, ' ').trim()
}

/** Columns that a text takes in a terminal. */
export function widthOf(text: string): number {
  // Most of what is shown is ASCII.
  if (/^[ -~]*$/.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1
  return width
}

/** A text in at most `width` columns; what is left out shows as `…`. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  if (width < 1) return ''
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    const next = widthOf(segment)
    if (used + next > width - 1) break
    kept += segment
    used += next
  }
  return `${kept.trimEnd()}…`
}

/** A text padded with spaces to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - widthOf(text)))
  return align === 'left' ? text + space : space + text
}
