import type { DraftItem, DraftValue, SpanDraft } from './span-draft.ts'

/** As much of protobuf's JSON as is taken apart. */
interface Attribute {
  readonly key: string
  value: { readonly [kind: string]: unknown }
}
interface WithAttributes {
  attributes?: Attribute[]
}
interface Span extends WithAttributes {
  events?: WithAttributes[]
  links?: WithAttributes[]
  status?: { message?: string }
  droppedAttributesCount?: number
  droppedEventsCount?: number
  droppedLinksCount?: number
}

const smallKinds = new Set(['intValue', 'doubleValue', 'boolValue'])

/** Takes an encoded span apart. The bytes are our own, so they are well-formed. */
export function jsonDraft(bytes: Uint8Array): SpanDraft {
  const span = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')) as Span
  const values: DraftValue[] = []
  for (const holder of [span, ...(span.events ?? []), ...(span.links ?? [])]) {
    for (const attribute of holder.attributes ?? []) {
      const kind = Object.keys(attribute.value)[0]
      if (kind !== undefined && !smallKinds.has(kind)) values.push(new AttributeValue(attribute, kind))
    }
  }
  const { status } = span
  if (status?.message !== undefined) values.push(new StatusMessage(status as { message: string }))
  const attributes = items(span.attributes)
  const events = items(span.events)
  const links = items(span.links)
  return {
    values,
    attributes,
    events,
    links,
    build() {
      const rest: Span = { ...span }
      leaveOut(rest, 'attributes', 'droppedAttributesCount', attributes)
      leaveOut(rest, 'events', 'droppedEventsCount', events)
      leaveOut(rest, 'links', 'droppedLinksCount', links)
      return Buffer.from(JSON.stringify(rest))
    },
  }
}

class AttributeValue implements DraftValue {
  readonly sizeBytes: number
  readonly text: string | undefined
  isDropped = false
  readonly #attribute: Attribute

  constructor(attribute: Attribute, kind: string) {
    const content = attribute.value[kind]
    this.#attribute = attribute
    this.sizeBytes = sizeOf(content)
    this.text = kind === 'stringValue' ? (content as string) : undefined
  }

  get replacement(): string | undefined {
    return this.#replacement
  }

  set replacement(text: string | undefined) {
    this.#replacement = text
    this.#attribute.value = { stringValue: text }
  }

  #replacement: string | undefined
}

class StatusMessage implements DraftValue {
  readonly sizeBytes: number
  readonly text: string
  isDropped = false
  readonly #status: { message: string }

  constructor(status: { message: string }) {
    this.#status = status
    this.text = status.message
    this.sizeBytes = sizeOf(this.text)
  }

  get replacement(): string | undefined {
    return this.#replacement
  }

  set replacement(text: string | undefined) {
    this.#replacement = text
    this.#status.message = text ?? ''
  }

  #replacement: string | undefined
}

interface Item extends DraftItem {
  readonly content: object
}

function items(contents: readonly object[] = []): readonly Item[] {
  return contents.map((content) => ({ content, sizeBytes: sizeOf(content), isDropped: false }))
}

function leaveOut(
  span: Span,
  list: 'attributes' | 'events' | 'links',
  count: 'droppedAttributesCount' | 'droppedEventsCount' | 'droppedLinksCount',
  parts: readonly Item[],
): void {
  const kept = parts.filter((part) => !part.isDropped)
  if (kept.length === parts.length) return
  span[list] = kept.map((part) => part.content) as Attribute[]
  span[count] = (span[count] ?? 0) + parts.length - kept.length
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
