import { ALIASES_OF_CONTENT } from '../../attributes.ts'

/**
 * Ids: of runs, traces, spans, conversations, responses, calls. They are what everything is found by, so they leave as
 * they are. A user's id is not among them: it may be an address.
 */
const identifier =
  /^(?:runspan\.(?!metadata\.|reviewer\.).+\.id|gen_ai\..+\.id|session\.id|(?:.+\.)?(?:trace|span|run|request)[._]id|openinference\.session\.id|langfuse\.session\.id)$/

const contentKeys: ReadonlySet<string> = new Set(ALIASES_OF_CONTENT.filter((key) => !key.endsWith('.')))
const contentPrefixes: readonly string[] = ALIASES_OF_CONTENT.filter((key) => key.endsWith('.'))

/** Whether an attribute holds an id that is never altered. */
export function isIdentifier(key: string): boolean {
  return identifier.test(key)
}

/** Whether an attribute holds what models and tools were given and answered. */
export function isContent(key: string): boolean {
  return contentKeys.has(key) || contentPrefixes.some((prefix) => key.startsWith(prefix))
}

/** Makes the question whether a name, of an attribute or of a member, is one whose values are hidden. */
export function secretNameTest(
  keys: readonly (string | RegExp)[],
  builtInNames: readonly string[],
): (name: string) => boolean {
  const exact = new Set(keys.filter((key) => typeof key === 'string').map((key) => key.toLowerCase()))
  // Without flags g and y, which make an expression remember where it was.
  const expressions = keys
    .filter((key) => key instanceof RegExp)
    .map(({ source, flags }) => new RegExp(source, flags.replaceAll(/[gy]/g, '')))
  if (builtInNames.length > 0) expressions.push(new RegExp(`(?:${builtInNames.join('|')})$`, 'i'))
  return (name) => {
    const lower = name.toLowerCase()
    if (exact.has(lower) || exact.has(lower.slice(lower.lastIndexOf('.') + 1))) return true
    return expressions.some((expression) => expression.test(name))
  }
}
