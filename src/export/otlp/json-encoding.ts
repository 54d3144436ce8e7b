import { EncodedSpan } from './encoded-span.ts'
import type { ExportableResource, ExportableScope, ExportableSpan } from './exportable-span.ts'
import { attributesJson, keyJson } from './json-attributes.ts'
import { jsonRequest, jsonRequestSize } from './json-request.ts'
import { countJson, spanJson, textJson } from './json-span.ts'
import { KeyTable } from './key-table.ts'
import type { SpanEncoding } from './span-encoding.ts'
import { SpanGroups } from './span-groups.ts'
import type { ValueFilter } from './value-filter.ts'

/** OTLP as JSON: protobuf's own mapping, with ids in hexadecimal digits as OTLP asks for. */
export class JsonEncoding implements SpanEncoding {
  readonly contentType = 'application/json'
  readonly request = jsonRequest
  readonly requestSizeBytes = jsonRequestSize
  readonly #filter: ValueFilter
  readonly #keys: KeyTable<string>
  readonly #groups: SpanGroups

  constructor(filter: ValueFilter) {
    this.#filter = filter
    this.#keys = new KeyTable(filter, keyJson)
    this.#groups = new SpanGroups({
      resource: (resource) => this.#resource(resource),
      scope: (scope) => this.#scope(scope),
      schemaUrl: (schemaUrl) => filter.name(schemaUrl, 'schema_url'),
      empty: Buffer.from('{}'),
    })
  }

  encode(span: ExportableSpan): EncodedSpan | undefined {
    const resource = this.#groups.resourceOf(span)
    const scope = this.#groups.scopeOf(span)
    this.#filter.begin(span)
    const json = spanJson(span, this.#keys)
    if (json === undefined) return undefined
    return new EncodedSpan(resource, scope, this.#filter.truncatedCount, utf8(json))
  }

  #resource({ attributes }: ExportableResource): Uint8Array {
    this.#filter.begin(undefined)
    return utf8(`{"attributes":${attributesJson(attributes, this.#keys)}}`)
  }

  #scope({ name, version = '', attributes, droppedAttributesCount }: ExportableScope): Uint8Array {
    this.#filter.begin(undefined)
    const fields = [
      textJson('name', this.#filter.name(name, 'scope.name')),
      textJson('version', this.#filter.name(version, 'scope.version')),
      attributes === undefined ? '' : `,"attributes":${attributesJson(attributes, this.#keys)}`,
      countJson('droppedAttributesCount', droppedAttributesCount),
    ]
    return utf8(`{${fields.join('').slice(1)}}`)
  }
}

/** Half a surrogate pair is escaped by `JSON.stringify`, and strict parsers refuse all of a request for it. */
function utf8(json: string): Uint8Array {
  return Buffer.from(
    json.includes(String.raw`\ud`) ? json.replaceAll(/((?<!\\)(?:\\\\)*)\\ud[89a-f][\da-f]{2}/g, '$1\uFFFD') : json,
  )
}
