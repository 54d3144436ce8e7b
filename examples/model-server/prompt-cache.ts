import { createHash } from 'node:crypto'

export interface PromptCacheOptions {
  /**
   * Prompts shorter than this are neither stored nor served, in tokens.
   *
   * @defaultValue 1024, as OpenAI has it
   */
  readonly minimumTokens?: number | undefined
  /**
   * Hits come in whole blocks of this many tokens.
   *
   * @defaultValue 128, as OpenAI has it
   */
  readonly blockTokens?: number | undefined
}

/** The oldest blocks go first beyond this many. */
const mostBlocks = 10_000

/** Remembers the beginnings of prompts per model, so that a later prompt with the same beginning is billed as cached. */
export class PromptCache {
  readonly #minimumTokens: number
  readonly #blockTokens: number
  readonly #blocks = new Set<string>()

  constructor({ minimumTokens = 1024, blockTokens = 128 }: PromptCacheOptions = {}) {
    this.#minimumTokens = minimumTokens
    this.#blockTokens = blockTokens
  }

  /** How many tokens at the start of the prompt are known. Remembers the prompt from now on. */
  take(model: string, prompt: readonly string[]): number {
    if (prompt.length < this.#minimumTokens) return 0
    let cachedTokens = 0
    let known = true
    for (const block of this.#chain(model, prompt)) {
      known &&= this.#blocks.has(block)
      if (known) cachedTokens += this.#blockTokens
      this.#blocks.delete(block)
      this.#blocks.add(block)
    }
    for (const oldest of this.#blocks) {
      if (this.#blocks.size <= mostBlocks) break
      this.#blocks.delete(oldest)
    }
    return cachedTokens < this.#minimumTokens ? 0 : cachedTokens
  }

  // One hash per whole block, each over everything before it: equal hashes mean equal beginnings.
  *#chain(model: string, prompt: readonly string[]): Generator<string> {
    let hash = model
    for (let end = this.#blockTokens; end <= prompt.length; end += this.#blockTokens) {
      const block = prompt.slice(end - this.#blockTokens, end).join('\u0000')
      hash = createHash('sha256').update(hash).update(block).digest('base64url')
      yield hash
    }
  }
}
