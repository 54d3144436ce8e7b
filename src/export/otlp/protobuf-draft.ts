import type { ByteWriter } from './byte-writer.ts'
import { otlpFields } from '../../internal/otlp-fields.ts'
import { eachField, varintAt } from './protobuf-fields.ts'
import type { DraftItem, DraftValue, SpanDraft } from './span-draft.ts'

/** Which fields of a message are taken apart: attributes, texts, and messages that hold some. */
interface Shape {
  readonly [tag: number]: Shape | 'attribute' | 'text'
}

const shape: Shape = {
  [otlpFields.span.attributes]: 'attribute',
  [otlpFields.span.events]: { [otlpFields.event.attributes]: 'attribute' },
  [otlpFields.span.links]: { [otlpFields.link.attributes]: 'attribute' },
  [otlpFields.span.status]: { [otlpFields.status.message]: 'text' },
}

/** A field as it stands on the wire, and what is inside where that matters. */
interface Field extends DraftItem {
  readonly tag: number
  /** With tag and length. */
  readonly bytes: Uint8Array
  readonly fields: readonly Field[]
  readonly value: Value | undefined
}

interface Value extends DraftValue {
  /** The key of an attribute, in its field; nothing for a text by itself. */
  readonly key: Uint8Array | undefined
}

/** Takes an encoded span apart. The bytes are our own, so they are well-formed. */
export function protobufDraft(bytes: Uint8Array, writer: ByteWriter): SpanDraft {
  const fields = fieldsOf(bytes, shape)
  const withTag = (tag: number): readonly Field[] => fields.filter((field) => field.tag === tag)
  const values: Value[] = []
  collectValues(fields, values)
  const events = withTag(otlpFields.span.events)
  const links = withTag(otlpFields.span.links)
  const attributes = withTag(otlpFields.span.attributes)
  const counts: readonly (readonly [number, readonly Field[]])[] = [
    [otlpFields.span.droppedAttributesCount, attributes],
    [otlpFields.span.droppedEventsCount, events],
    [otlpFields.span.droppedLinksCount, links],
  ]
  return {
    values,
    attributes,
    events,
    links,
    build() {
      writer.start()
      for (const field of fields) if (counts.every(([tag]) => tag !== field.tag)) write(writer, field)
      for (const [tag, items] of counts) {
        const before = withTag(tag)[0]
        const count = (before === undefined ? 0 : varintAt(before.bytes, 1)[0]) + droppedIn(items)
        if (count > 0) {
          writer.tag(tag)
          writer.uint32(count)
        }
      }
      return writer.copy()
    },
  }
}

function write(writer: ByteWriter, field: Field): void {
  if (field.isDropped) return
  const { value } = field
  if (value?.replacement !== undefined) {
    if (value.key === undefined) {
      writer.tag(field.tag)
      writer.text(value.replacement)
    } else writer.textAttribute(field.tag, value.key, value.replacement)
  } else if (field.fields.length > 0) {
    writer.tag(field.tag)
    const start = writer.startMessage()
    for (const part of field.fields) write(writer, part)
    writer.endMessage(start)
  } else writer.raw(field.bytes)
}

function droppedIn(items: readonly DraftItem[]): number {
  return items.filter((item) => item.isDropped).length
}

function collectValues(fields: readonly Field[], values: Value[]): void {
  for (const field of fields) {
    if (field.value !== undefined) values.push(field.value)
    collectValues(field.fields, values)
  }
}

function fieldsOf(bytes: Uint8Array, of: Shape): readonly Field[] {
  const fields: Field[] = []
  eachField(bytes, (tag, start, bodyStart, end) => {
    const whole = bytes.subarray(start, end)
    const body = bytes.subarray(bodyStart, end)
    const inner = of[tag]
    fields.push({
      tag,
      bytes: whole,
      sizeBytes: whole.length,
      isDropped: false,
      fields: typeof inner === 'object' ? fieldsOf(body, inner) : [],
      value: inner === 'attribute' ? attributeValue(body) : inner === 'text' ? new Text(body) : undefined,
    })
  })
  return fields
}

/** The value of a `KeyValue`, where it is a text, a list, a map, or bytes. */
function attributeValue(body: Uint8Array): Value | undefined {
  let key = body.subarray(0, 0)
  let value: Value | undefined
  eachField(body, (tag, start, bodyStart, end) => {
    if (tag === otlpFields.keyValue.key) key = body.subarray(start, end)
    if (tag !== otlpFields.keyValue.value) return
    const any = body.subarray(bodyStart, end)
    eachField(any, (kind, _start, from, to) => {
      const content = any.subarray(from, to)
      if (kind === otlpFields.anyValue.string) value = new Text(content, key)
      else if (kind >= otlpFields.anyValue.list) {
        value = { key, sizeBytes: content.length, text: undefined, replacement: undefined, isDropped: false }
      }
    })
  })
  return value
}

/** A text, decoded where it is asked for: most values stay as they are. */
class Text implements Value {
  readonly key: Uint8Array | undefined
  readonly sizeBytes: number
  replacement: string | undefined = undefined
  isDropped = false
  readonly #content: Uint8Array

  constructor(content: Uint8Array, key?: Uint8Array) {
    this.key = key
    this.sizeBytes = content.length
    this.#content = content
  }

  get text(): string {
    return Buffer.from(this.#content.buffer, this.#content.byteOffset, this.sizeBytes).toString('utf8')
  }
}
