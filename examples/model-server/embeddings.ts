import { createHash } from 'node:crypto'

import { z } from 'zod'

import { tokenize } from './tokenize.ts'
import { keywords } from './words.ts'

const requestBody = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]).transform((input) => [input].flat()),
  dimensions: z.number().int().min(8).max(1536).default(256),
})

/** `POST /v1/embeddings`: texts that share words point in similar directions. */
export function embed(body: unknown): {
  readonly model: string
  readonly inputTokens: number
  readonly response: unknown
} {
  const { model, input, dimensions } = requestBody.parse(body)
  const inputTokens = input.reduce((sum, text) => sum + tokenize(text).length, 0)
  const data = input.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text, dimensions) }))
  const usage = { prompt_tokens: inputTokens, total_tokens: inputTokens }
  return { model, inputTokens, response: { object: 'list', data, model, usage } }
}

/** Each keyword counts in one direction, which its hash picks; the length is 1, as OpenAI's is. */
function vectorOf(text: string, dimensions: number): number[] {
  const vector = Array.from({ length: dimensions }, () => 0)
  for (const word of keywords(text)) {
    const direction = createHash('sha256').update(word).digest().readUInt32BE() % dimensions
    vector[direction] = (vector[direction] ?? 0) + 1
  }
  const length = Math.hypot(...vector)
  return length === 0 ? vector : vector.map((value) => value / length)
}
