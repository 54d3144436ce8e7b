import type { Attributes } from '@opentelemetry/api'

import { topic, type KeyMeaning, type Topic } from './span-keys.ts'
import { SpanFacts } from './span-facts.ts'
import { roleOfMarks, roleOfOperation, type SpanRole } from './span-role.ts'

/** What the value at one place is taken for. No property of an object: those cost a look-up for each key. */
const ignored = 0
const operationPart = 1
const providerPart = 2
const modelPart = 3
const inputPart = 4
const outputPart = 5
/** Says nothing as long as it is zero: cached tokens, reasoning … */
const zeroPart = 6

const partOfTopic: ReadonlyMap<Topic, number> = new Map<Topic, number>([
  [topic.operation, operationPart],
  [topic.provider, providerPart],
  [topic.model, modelPart],
  [topic.input, inputPart],
  [topic.output, outputPart],
  [topic.cacheRead, zeroPart],
  [topic.cacheWrite, zeroPart],
  [topic.reasoning, zeroPart],
  [topic.detail, zeroPart],
  [topic.mark, ignored],
  // Beside input or output it says nothing new.
  [topic.total, ignored],
  // Bare names such as `model` mean something on Claude Code's spans alone, and those are not plain.
  [topic.claude, ignored],
])

/** A span with more keys is read without remembering them. */
const mostPlaces = 32

/**
 * The keys of the last span like this one, in their order, and what each of them means. The same code writes the same
 * keys in the same order, so most look-ups are a comparison of two pointers.
 */
export class KeyPlaces {
  readonly keys: string[] = []
  readonly meanings: (KeyMeaning | undefined)[] = []
  /** What the value at each place is taken for, where the span is plain. */
  readonly parts: number[] = []
  count = 0
  /** Whether a span with these keys can be read without weighing one key against another. */
  isPlain = false
  isMarked = false

  /** Remembers what stands at a place. */
  set(place: number, key: string, meaning: KeyMeaning | undefined): void {
    if (place >= mostPlaces) return
    this.keys[place] = key
    this.meanings[place] = meaning
  }

  /** Takes in that the last span had so many keys, after some have changed. */
  learn(count: number): void {
    this.count = count
    this.isPlain = count <= mostPlaces
    if (!this.isPlain) return
    this.isMarked = false
    let hasTotal = false
    let hasCount = false
    for (let place = 0; place < count; place++) {
      const meaning = this.meanings[place]
      this.parts[place] = ignored
      if (meaning === undefined) continue
      const part = partOfTopic.get(meaning.topic)
      if (part === undefined) {
        this.isPlain = false
        return
      }
      if (meaning.topic === topic.mark) this.isMarked = true
      if (meaning.topic === topic.total) hasTotal = true
      if (part === inputPart || part === outputPart) hasCount = true
      if (part !== ignored && this.#isBest(meaning, count)) this.parts[place] = part
    }
    if (hasTotal && !hasCount) this.isPlain = false
  }

  /** Of several keys of one topic the lowest rank wins; of those that have to be zero all are asked. */
  #isBest({ topic: about, rank }: KeyMeaning, count: number): boolean {
    if (partOfTopic.get(about) === zeroPart) return true
    for (let place = 0; place < count; place++) {
      const other = this.meanings[place]
      if (other?.topic === about && other.rank < rank) return false
    }
    return true
  }
}

/** Names of one length share a row; a row that is wrong mends itself. */
const rows = Array.from({ length: 64 }, () => new KeyPlaces())
const rowMask = rows.length - 1

/** What is known of spans like this one. */
export function placesOf(name: string): KeyPlaces {
  return rows[name.length & rowMask]!
}

/** What spans say that are no calls and report nothing. Nobody writes to them. */
const ofAgent = factsOf('agent')
const ofContainer = factsOf('container')
const ofTool = factsOf('tool')
const ofNever = factsOf('never')
const ofUnknown = factsOf('unknown')

function factsOf(role: SpanRole): SpanFacts {
  const facts = new SpanFacts()
  facts.role = role
  return facts
}

function factsWithoutUsage(role: SpanRole): SpanFacts {
  if (role === 'tool') return ofTool
  if (role === 'agent') return ofAgent
  if (role === 'container') return ofContainer
  return role === 'never' ? ofNever : ofUnknown
}

/**
 * Reads a span whose keys are those of the last one like it, each of them saying one thing that no other can contest:
 * a third of what reading a span takes otherwise, and true of most.
 *
 * @returns `undefined` where it is another one after all, or a value is not what it usually is
 */
export function readPlainSpan(
  places: KeyPlaces,
  name: string,
  attributes: Attributes,
  scopeName: string | undefined,
): SpanFacts | undefined {
  const { keys, parts, count } = places
  let operation: string | undefined
  let provider: string | undefined
  let model: string | undefined
  let input = -1
  let output = -1
  let place = 0
  for (const key in attributes) {
    if (keys[place] !== key || place === count) return undefined
    const part = parts[place]
    place++
    if (part === ignored) continue
    const value = attributes[key]
    if (part === inputPart || part === outputPart) {
      if (typeof value !== 'number' || !(value >= 0) || (value | 0) !== value) return undefined
      if (part === inputPart) input = value
      else output = value
    } else if (part === zeroPart) {
      if (value !== 0) return undefined
    } else {
      if (typeof value !== 'string' || value === '' || isQuoted(value)) return undefined
      if (part === operationPart) operation = value
      else if (part === modelPart) model = value
      else provider = value
    }
  }
  if (place !== count) return undefined
  let role: SpanRole = 'unknown'
  if (places.isMarked) role = roleOfMarks(name, attributes, scopeName)
  else if (operation !== undefined) role = roleOfOperation(operation)
  if (input < 0 && output < 0 && role !== 'leaf') return factsWithoutUsage(role)
  const facts = new SpanFacts()
  facts.role = role
  facts.operation = operation
  facts.provider = provider
  facts.model = model
  if (input >= 0) {
    facts.inputTokens = input
    facts.hasUsage = true
  }
  if (output >= 0) {
    facts.outputTokens = output
    facts.hasUsage = true
    facts.saysOutput = true
  }
  return facts
}

/** MLflow writes every attribute as JSON, names too. */
export function isQuoted(name: string): boolean {
  return name.charCodeAt(0) === quote
}

const quote = 0x22
