import { createHash } from 'node:crypto'

/** A piece of a prompt, up to a mark or to the end. */
export interface PromptSection {
  readonly text: string
  /** The mark at its end: everything up to here is to be kept that long. */
  readonly keep?: '5m' | '1h' | undefined
}

/** How the tokens of one prompt are billed. */
interface MarkedPrompt {
  readonly tokens: number
  readonly read: number
  readonly written: number
  /** Those of the written ones that are kept for an hour. */
  readonly writtenForAnHour: number
}

/**
 * Remembers prompts up to the marks their callers set, as Anthropic does: what an earlier prompt was marked at is read,
 * from there to the last mark is written, the rest is plain input.
 */
export class MarkedCache {
  readonly #minimumTokens: number
  readonly #known = new Set<string>()

  /** @param minimumTokens marks nearer to the beginning than this do nothing; 1024, as most of Anthropic's models have it */
  constructor(minimumTokens = 1024) {
    this.#minimumTokens = minimumTokens
  }

  /** Bills a prompt, and remembers it from now on. */
  take(model: string, sections: readonly PromptSection[], count: (text: string) => number): MarkedPrompt {
    const lastMark = sections.findLastIndex(({ keep }) => keep !== undefined)
    const billed = { tokens: 0, read: 0, written: 0, writtenForAnHour: 0 }
    let sinceMark = 0
    let hash = model
    for (const [index, { text, keep }] of sections.entries()) {
      const size = count(text)
      billed.tokens += size
      sinceMark += size
      hash = createHash('sha256').update(hash).update(text).digest('base64url')
      if (index > lastMark || billed.tokens < this.#minimumTokens) continue
      if (this.#known.has(hash)) {
        // A conversation grows and its mark moves on: what an earlier prompt was marked at is found before the mark.
        Object.assign(billed, { read: billed.tokens, written: 0, writtenForAnHour: 0 })
        sinceMark = 0
      } else if (keep !== undefined) {
        billed.written += sinceMark
        if (keep === '1h') billed.writtenForAnHour += sinceMark
        this.#known.add(hash)
        sinceMark = 0
      }
    }
    return billed
  }
}
