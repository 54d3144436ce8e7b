import { z } from 'zod'

const jsonSchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
})

/** Something that follows a JSON Schema of the simpler kind, made of the words. */
export function fillSchema(schema: unknown, words: readonly string[]): unknown {
  const parsed = jsonSchema.safeParse(schema)
  if (!parsed.success) return words.join(' ')
  const { type, enum: choices, const: only, properties, items, anyOf } = parsed.data
  if (only !== undefined) return only
  if (choices !== undefined) return choices[0]
  if (anyOf !== undefined) return fillSchema(anyOf[0], words)
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, property]) => [name, fillSchema(property, words)]),
      )
    case 'array':
      return words.slice(0, 3).map((word) => fillSchema(items, [word]))
    case 'integer':
    case 'number':
      return words.length
    case 'boolean':
      return true
    case 'null':
      return null
    case undefined:
    default:
      return words.join(' ')
  }
}
