/** Which traces are wanted of Jaeger. Attributes have to be on one span. */
export interface JaegerSearch {
  readonly service: string | undefined
  readonly attributes: Readonly<Record<string, string>>
  readonly fromUnixMillis: number
  readonly toUnixMillis: number
  /** How many traces at most. */
  readonly depth: number
}

/** A path and its parameters. */
export interface JaegerRequest {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
}

/** A search as Jaeger 2.19 and later take it: spans come back. */
export function currentSearch({
  service,
  attributes,
  fromUnixMillis,
  toUnixMillis,
  depth,
}: JaegerSearch): JaegerRequest {
  return {
    path: 'api/v3/traces',
    query: {
      ...(service === undefined ? {} : { 'query.serviceName': service }),
      'query.startTimeMin': new Date(fromUnixMillis).toISOString(),
      'query.startTimeMax': new Date(toUnixMillis).toISOString(),
      'query.searchDepth': String(depth),
      ...(Object.keys(attributes).length === 0 ? {} : { 'query.attributes': JSON.stringify(attributes) }),
    },
  }
}

/**
 * A search as Jaeger 1.x and 2.0 take it. Their `/api/v3` has no filter by attribute, so the older API is asked, whose
 * spans are in another form: only ids are taken from it.
 */
export function legacySearch({
  service = '',
  attributes,
  fromUnixMillis,
  toUnixMillis,
  depth,
}: JaegerSearch): JaegerRequest {
  return {
    path: 'api/traces',
    query: {
      service,
      tags: JSON.stringify(attributes),
      start: String(Math.floor(fromUnixMillis * 1_000)),
      end: String(Math.ceil(toUnixMillis * 1_000)),
      limit: String(depth),
    },
  }
}
