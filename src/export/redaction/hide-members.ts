/** What stands in place of a value whose name says that it is a secret. */
export const hidden = '[redacted]'

const unquotedEnd = /[\s"'&,;\\{}[\]]/g
const lineEnd = /["'\\\r\n]/g
const wholeLine = /(?:authorization|cookie)$/i
const opening = /\\*["']|[[{]/y

/**
 * Makes the expression that finds where the values of names begin: `"password": …`, `password=…`, `Cookie: …`, and the
 * same in JSON that stands inside JSON, where quotes have backslashes. It looks for colons and equals signs and back
 * from there, because names begin with letters that every word has.
 *
 * @param names sources of regular expressions, each of which ends in the character that its matches end in
 */
export function memberPattern(names: readonly string[]): RegExp | undefined {
  if (names.length === 0) return undefined
  const lastCharacters = [...new Set(names.map((name) => name.at(-1)))]
    .join('')
    .replaceAll(/[\]\\^-]/g, String.raw`\$&`)
  const between = String.raw`(\\*["'])?\s{0,8}[:=]`
  return new RegExp(String.raw`[:=](?<=[${lastCharacters}]${between})(?<=(${names.join('|')})${between})\s{0,8}`, 'gi')
}

/**
 * Hides the values of members that have a secret's name, and nothing around them: JSON stays JSON. A value without an
 * end is hidden up to the end of the text.
 */
export function hideMembers(text: string, members: RegExp): string {
  let result = ''
  let kept = 0
  members.lastIndex = 0
  for (let match = members.exec(text); match !== null; match = members.exec(text)) {
    const start = members.lastIndex
    const nameQuote = match[3] ?? ''
    const [from, to, quote] = extentOf(text, start, match[2]!, nameQuote)
    if (to > from) {
      result += text.slice(kept, from) + quote + hidden + quote
      kept = to
    }
    members.lastIndex = Math.max(to, start)
  }
  return kept === 0 ? text : result + text.slice(kept)
}

/** Where a value begins and ends, and the quotes that the marker needs in its place. */
function extentOf(text: string, start: number, name: string, nameQuote: string): readonly [number, number, string] {
  opening.lastIndex = start
  const first = opening.exec(text)?.[0]
  if (first === '[' || first === '{') return [start, endOfBrackets(text, start), nameQuote]
  if (first !== undefined) return [start + first.length, endOfQuoted(text, start + first.length, first), '']
  const isLine = nameQuote === '' && wholeLine.test(name)
  const end = isLine ? lineEnd : unquotedEnd
  end.lastIndex = start
  const to = end.exec(text)?.index ?? text.length
  // In JSON a marker in place of a number needs quotes.
  return [start, to, nameQuote]
}

function endOfQuoted(text: string, start: number, quote: string): number {
  for (let at = text.indexOf(quote, start); at !== -1; at = text.indexOf(quote, at + 1)) {
    // An even number of backslashes in front of it are escaped themselves.
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\' && at - 1 - backslashes >= start) backslashes++
    if (backslashes % (2 * quote.length) === 0) return at
  }
  return text.length
}

function endOfBrackets(text: string, start: number): number {
  const part = /\\*["']|[[\]{}]/g
  part.lastIndex = start
  let depth = 0
  let quote: string | undefined
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    const piece = match[0]
    if (quote !== undefined) {
      if (piece === quote) quote = undefined
    } else if (piece.length > 1 || piece === '"' || piece === "'") quote = piece
    else if (piece === '[' || piece === '{') depth++
    else if (--depth === 0) return part.lastIndex
  }
  return text.length
}
