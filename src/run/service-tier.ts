/** What providers call the tier that their price lists are about. */
const standardNames: ReadonlySet<string> = new Set([
  '',
  'auto',
  'default',
  'none',
  'on_demand',
  'standard',
  'standard_only',
  'traffic_type_unspecified',
  'unspecified',
])

/** A longer name is no tier. */
const maxNameLength = 64

/**
 * One spelling for a provider's tier of service: `batch`, `flex`, `priority`, else the provider's own name in lower case.
 *
 * @returns `undefined` for the standard tier
 */
export function serviceTierOf(name: string): string | undefined {
  // Most names are these, as they stand.
  if (standardNames.has(name)) return undefined
  const plain = name.trim().toLowerCase()
  if (standardNames.has(plain)) return undefined
  // Vertex AI says ON_DEMAND_FLEX.
  return plain.replace(/^on_demand_/, '').slice(0, maxNameLength)
}
