import { cutToBytes, jsonMark, type OriginalText } from './truncation-mark.ts'
import { levelFor } from './level-for.ts'

/** What is left of a text inside JSON at least. */
const minTextLength = 16
/** JSON that is larger is not taken apart: that takes ten times its size in memory. */
const maxParsedSizeBytes = 32 * 1024 * 1024
const tries = 6

type Container = unknown[] | Record<string, unknown>

interface Task {
  readonly sizeBytes: number
  readonly maxSizeBytes: number
  /** What the mark says; not of this text where it was shortened before. */
  readonly original: OriginalText
}

/**
 * Shortens JSON; it stays JSON, with the same shape as far as that fits.
 *
 * @returns nothing where the text is no list or object in JSON
 */
export function shrinkJson(text: string, task: Task): string | undefined {
  if (!/^\s*[[{]/.test(text) || !/[\]}]\s*$/.test(text)) return undefined
  if (task.sizeBytes > maxParsedSizeBytes) return startOf(text, task)
  let parsed: Container
  try {
    parsed = JSON.parse(text) as Container
  } catch {
    return undefined
  }
  try {
    const result = withShorterTexts(parsed, task) ?? withFewerElements(parsed, task)
    if (result !== undefined) return result
  } catch {
    // Nested deeper than there is stack.
  }
  return startOf(text, task)
}

/** Finds the length above which texts must be cut for the whole to fit: the longest ones pay. */
function withShorterTexts(parsed: Container, { sizeBytes, maxSizeBytes, original }: Task): string | undefined {
  const sizes: number[] = []
  eachText(parsed, (part) => sizes.push(jsonSize(part)))
  sizes.sort((a, b) => b - a)
  const textsSize = sizes.reduce((sum, size) => sum + size, 0)
  const around = sizeBytes - textsSize + JSON.stringify(jsonMark(original)).length
  let cap = levelFor(sizes, maxSizeBytes - around)
  for (let attempt = 0; attempt < tries && cap >= minTextLength; attempt++) {
    const result = JSON.stringify(marked(shortened(parsed, cap) as Container, original))
    const resultSize = Buffer.byteLength(result)
    if (resultSize <= maxSizeBytes) return result
    // Quotes and line breaks take more room than other characters, and may stand closer in what is left.
    cap = Math.floor(Math.min(cap, sizes[0] ?? 0) * Math.min(0.9, (maxSizeBytes / resultSize) * 0.95))
  }
  return undefined
}

/** A list of which the middle is left out: the first elements say what it is about, the last what came of it. */
function withFewerElements(parsed: Container, { maxSizeBytes, original }: Task): string | undefined {
  if (!Array.isArray(parsed)) return undefined
  const mark = JSON.stringify(jsonMark(original))
  const elements = parsed.filter((element) => !isMark(element))
  let room = maxSizeBytes - mark.length - 2
  const first: string[] = []
  const last: string[] = []
  for (let index = 0; index < elements.length; index++) {
    const isLast = index % 2 === 1
    const element = elements[isLast ? elements.length - 1 - (index >> 1) : index >> 1]
    const json = JSON.stringify(shortened(element, minTextLength))
    room -= Buffer.byteLength(json) + 1
    if (room < 0) break
    if (isLast) last.unshift(json)
    else first.push(json)
  }
  return first.length === 0 ? undefined : `[${[...first, ...last, mark].join(',')}]`
}

/** What is left where the shape itself is too large: the beginning, as a text. */
function startOf(text: string, { maxSizeBytes, original }: Task): string {
  let start = cutToBytes(text, maxSizeBytes)
  for (let attempt = 0; attempt < tries; attempt++) {
    const result = JSON.stringify(jsonMark(original, { start }))
    const over = Buffer.byteLength(result) - maxSizeBytes
    if (over <= 0) return result
    const size = Buffer.byteLength(start)
    start = cutToBytes(start, Math.min(size - over, Math.floor(size * 0.9)))
  }
  return JSON.stringify(jsonMark(original))
}

function marked(value: Container, original: OriginalText): Container {
  if (Array.isArray(value)) return [...value.filter((element) => !isMark(element)), jsonMark(original)]
  const { _truncated: earlier, ...rest } = value
  const { start } = (earlier ?? {}) as { readonly start?: unknown }
  return { ...rest, ...jsonMark(original, typeof start === 'string' ? { start } : undefined) }
}

function isMark(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_truncated' in value
}

function eachText(value: unknown, take: (text: string) => void): void {
  if (typeof value === 'string') take(value)
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) eachText(part, take)
}

function shortened(value: unknown, maxSizeBytes: number): unknown {
  if (typeof value === 'string') return shortenedText(value, maxSizeBytes)
  if (Array.isArray(value)) return value.map((part) => shortened(part, maxSizeBytes))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shortened(part, maxSizeBytes)]))
}

function shortenedText(text: string, maxSizeBytes: number): string {
  const sizeBytes = jsonSize(text)
  if (sizeBytes <= maxSizeBytes) return text
  return `${cutToBytes(text, Math.floor((Buffer.byteLength(text) / sizeBytes) * maxSizeBytes) - 3)}…`
}

/** What a text takes inside JSON, without its quotes. */
function jsonSize(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2
}
