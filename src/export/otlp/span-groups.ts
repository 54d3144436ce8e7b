import { count } from '../../run/stats.ts'
import type { EncodedGroup, EncodedResource, EncodedSpan } from './encoded-span.ts'
import type { ExportableResource, ExportableScope, ExportableSpan } from './exportable-span.ts'

/** Encodes the two kinds of groups; given by the encoding. */
export interface GroupCodec {
  resource(resource: ExportableResource): Uint8Array
  scope(scope: ExportableScope): Uint8Array
  schemaUrl(schemaUrl: string): string
  /** A group that says nothing. */
  readonly empty: Uint8Array
}

/** Scopes that are recognised by value. A program has as many as it has instrumentations. */
const maxScopes = 1000

/** The resources and scopes that a destination has met: each is redacted and encoded once. */
export class SpanGroups {
  readonly #codec: GroupCodec
  readonly #resources = new WeakMap<object, Resource>()
  readonly #scopes = new WeakMap<object, EncodedGroup>()
  readonly #scopesByValue = new Map<string, EncodedGroup>()
  #lastResource: ExportableResource | undefined
  #lastEncodedResource: Resource | undefined
  #lastScope: ExportableScope | undefined
  #lastEncodedScope: EncodedGroup | undefined

  constructor(codec: GroupCodec) {
    this.#codec = {
      ...codec,
      resource: (resource) => readable(() => codec.resource(resource), 'a resource', codec.empty),
      scope: (scope) => readable(() => codec.scope(scope), 'a scope', codec.empty),
    }
  }

  resourceOf({ resource }: ExportableSpan): EncodedResource {
    if (resource === this.#lastResource && this.#lastEncodedResource !== undefined) return this.#lastEncodedResource
    let encoded = this.#resources.get(resource)
    if (encoded === undefined) {
      encoded = new Resource(resource, this.#codec)
      this.#resources.set(resource, encoded)
    }
    this.#lastResource = resource
    this.#lastEncodedResource = encoded
    return encoded
  }

  scopeOf({ instrumentationScope: scope }: ExportableSpan): EncodedGroup {
    if (scope === this.#lastScope && this.#lastEncodedScope !== undefined) return this.#lastEncodedScope
    let encoded = this.#scopes.get(scope)
    if (encoded === undefined) {
      encoded = this.#scopeByValue(scope)
      this.#scopes.set(scope, encoded)
    }
    this.#lastScope = scope
    this.#lastEncodedScope = encoded
    return encoded
  }

  /** Every `getTracer` makes a scope of its own, though most say the same. */
  #scopeByValue(scope: ExportableScope): EncodedGroup {
    const encoded = { bytes: this.#codec.scope(scope), schemaUrl: this.#codec.schemaUrl(scope.schemaUrl ?? '') }
    const value = `${encoded.schemaUrl}\n${Buffer.from(encoded.bytes).toString('latin1')}`
    const known = this.#scopesByValue.get(value)
    if (known !== undefined) return known
    if (this.#scopesByValue.size < maxScopes) this.#scopesByValue.set(value, encoded)
    return encoded
  }
}

/** A group that throws when it is read is sent empty: it must not cost the spans that are in it. */
function readable(encode: () => Uint8Array, what: string, empty: Uint8Array): Uint8Array {
  try {
    return encode()
  } catch (error) {
    count('internalErrors', `${what} could not be read, and is sent without attributes.`, error)
    return empty
  }
}

/** A resource, encoded when a request first needs it: its detectors may still be at work when its first span ends. */
class Resource implements EncodedResource {
  readonly #resource: ExportableResource
  readonly #codec: GroupCodec
  #bytes: Uint8Array | undefined

  constructor(resource: ExportableResource, codec: GroupCodec) {
    this.#resource = resource
    this.#codec = codec
  }

  get bytes(): Uint8Array {
    if (this.#bytes !== undefined) return this.#bytes
    const bytes = this.#codec.resource(this.#resource)
    if (!this.isPending) this.#bytes = bytes
    return bytes
  }

  get schemaUrl(): string {
    return this.#codec.schemaUrl(this.#resource.schemaUrl ?? '')
  }

  get isPending(): boolean {
    return this.#resource.asyncAttributesPending === true
  }

  async settled(): Promise<void> {
    try {
      await this.#resource.waitForAsyncAttributes?.()
    } catch {
      // What was found until then is what there is.
    }
  }
}

/** The spans of one request that share a resource, by scope. */
export type GroupedSpans = ReadonlyMap<EncodedResource, ReadonlyMap<EncodedGroup, readonly EncodedSpan[]>>

/** Groups spans in the order in which their groups first appear. */
export function groupSpans(spans: readonly EncodedSpan[]): GroupedSpans {
  const groups = new Map<EncodedResource, Map<EncodedGroup, EncodedSpan[]>>()
  let last: EncodedSpan | undefined
  let lastGroup: EncodedSpan[] = []
  for (const span of spans) {
    if (last === undefined || span.resource !== last.resource || span.scope !== last.scope) {
      let scopes = groups.get(span.resource)
      if (scopes === undefined) groups.set(span.resource, (scopes = new Map<EncodedGroup, EncodedSpan[]>()))
      const group = scopes.get(span.scope)
      if (group === undefined) scopes.set(span.scope, (lastGroup = []))
      else lastGroup = group
    }
    lastGroup.push(span)
    last = span
  }
  return groups
}
