import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { SpanKind, createTraceState, type Attributes, type AttributeValue, type SpanContext } from '@opentelemetry/api'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { StoredSpan } from '../../src/query/stored-span.ts'
import { decodeJson } from '../../src/query/otlp/decode-json.ts'
import { decodeProtobuf } from '../../src/viewer/receiver/decode-protobuf.ts'
import { OtlpError } from '../../src/query/otlp/otlp-error.ts'

const traceId = '00f067aa0ba902b74bf92f3577b34da6'
const spanId = '00f067aa0ba902b7'

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const idOf = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .filter((id) => id.some((byte) => byte !== 0))
    .map(hexOf)
/** Text that survives UTF-8: no lone surrogates. */
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
/** NaN and infinities are left out: JavaScript's JSON exporter sends them as null. */
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n))
const integer = fc.maxSafeInteger()
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  text,
  fc.boolean(),
  integer,
  double,
  fc.array(text, { maxLength: 4 }),
  fc.array(fc.boolean(), { maxLength: 4 }),
  fc.array(integer, { maxLength: 4 }),
  fc.array(double, { maxLength: 4 }),
)
/** What SDK 3.x keeps beyond the API's types. */
const richValue = fc.oneof(
  { weight: 4, arbitrary: value },
  fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes as unknown as AttributeValue),
  fc.dictionary(text, value, { maxKeys: 3 }).map((map) => map as unknown as AttributeValue),
)
const anyAttributes: fc.Arbitrary<Attributes> = fc.dictionary(text, richValue, { maxKeys: 6 })
const time = fc.tuple(fc.nat({ max: 4_000_000_000 }), fc.nat({ max: 999_999_999 }))
const spanContext: fc.Arbitrary<SpanContext> = fc.record({
  traceId: idOf(16),
  spanId: idOf(8),
  traceFlags: fc.integer({ min: 0, max: 255 }),
  isRemote: fc.boolean(),
  traceState: fc.constantFrom(undefined, createTraceState('a=b'), createTraceState('runspan=00,x=y')),
}) as fc.Arbitrary<SpanContext>

const resources = [
  resourceFromAttributes({ 'service.name': 'planner', 'process.pid': 7 }),
  resourceFromAttributes({ 'service.name': 'search' }),
]
const scopes = [{ name: 'runspan', version: '0.1.0' }, { name: 'plain' }]

const readableSpan: fc.Arbitrary<ReadableSpan> = fc
  .record({
    context: spanContext,
    parent: fc.option(spanContext, { nil: undefined }),
    name: text,
    kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER),
    startTime: time,
    endTime: time,
    status: fc.oneof(
      fc.record({ code: fc.constantFrom(0, 1, 2) }),
      fc.record({ code: fc.constantFrom(0, 1, 2), message: text }),
    ),
    attributes: anyAttributes,
    events: fc.array(fc.record({ name: text, time, attributes: anyAttributes }), { maxLength: 3 }),
    links: fc.array(fc.record({ context: spanContext, attributes: anyAttributes }), { maxLength: 3 }),
    resource: fc.constantFrom(...resources),
    instrumentationScope: fc.constantFrom(...scopes),
  })
  .map(({ context, parent, ...rest }) => ({
    ...rest,
    spanContext: () => context,
    parentSpanContext: parent,
    duration: [0, 0],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  })) as fc.Arbitrary<ReadableSpan>

const nanos = ([seconds, rest]: readonly [number, number]) => BigInt(seconds) * 1_000_000_000n + BigInt(rest)
const flags = (of: SpanContext | undefined, own: number) => own | 0x100 | (of?.isRemote ? 0x200 : 0)
const traceState = (of: SpanContext) => {
  const serialized = of.traceState?.serialize()
  return serialized ? { traceState: serialized } : {}
}
const stored = (of: Attributes | undefined) => of as StoredSpan['attributes']

/** What a span is expected to come back as, said once more by itself. */
function expected(span: ReadableSpan): StoredSpan {
  const context = span.spanContext()
  const { version, name: scopeName } = span.instrumentationScope
  const { message } = span.status
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(span.parentSpanContext ? { parentSpanId: span.parentSpanContext.spanId } : {}),
    ...traceState(context),
    flags: flags(span.parentSpanContext, context.traceFlags),
    name: span.name,
    kind: (['internal', 'server', 'client', 'producer', 'consumer'] as const)[span.kind],
    startUnixNano: nanos(span.startTime),
    endUnixNano: nanos(span.endTime),
    status: { code: (['unset', 'ok', 'error'] as const)[span.status.code], ...(message ? { message } : {}) },
    attributes: stored(span.attributes),
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: nanos(event.time),
      attributes: stored(event.attributes),
    })),
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      ...traceState(link.context),
      flags: flags(link.context, link.context.traceFlags),
      attributes: stored(link.attributes),
    })),
    resource: { attributes: stored(span.resource.attributes) },
    scope: version === undefined ? { name: scopeName } : { name: scopeName, version },
  }
}

const byIds = (a: StoredSpan, b: StoredSpan) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1)
const distinct = (span: ReadableSpan) => span.spanContext().traceId + span.spanContext().spanId

describe('the decoders', () => {
  it('read the same spans from JSON and from protobuf, and those that were sent', () => {
    fc.assert(
      fc.property(fc.uniqueArray(readableSpan, { maxLength: 6, selector: distinct }), (spans) => {
        const json = decodeJson(JsonTraceSerializer.serializeRequest(spans)!)
        const protobuf = decodeProtobuf(ProtobufTraceSerializer.serializeRequest(spans)!)
        const wanted = spans.map(expected).toSorted(byIds)
        expect(json.spans.toSorted(byIds)).toEqual(wanted)
        expect(protobuf.spans.toSorted(byIds)).toEqual(wanted)
        expect([json.rejectedCount, protobuf.rejectedCount]).toEqual([0, 0])
      }),
      { numRuns: 300 },
    )
  })

  it('either read a protobuf that was cut off or refuse it, and do nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(readableSpan, { minLength: 1, maxLength: 2 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (spans, part) => {
          const whole = ProtobufTraceSerializer.serializeRequest(spans)!
          const cut = whole.subarray(0, Math.floor(part * (whole.length - 1)))
          // One message holds all: a cut is inside it, unless it took everything.
          if (cut.length === 0) expect(decodeProtobuf(cut).spans).toEqual([])
          else if (resourcesIn(spans) === 1) expect(() => decodeProtobuf(cut)).toThrow(OtlpError)
          else readOrRefuse(() => decodeProtobuf(cut))
        },
      ),
      { numRuns: 300 },
    )
  })

  it('either read damaged bytes or refuse them, and do nothing else', () => {
    fc.assert(
      fc.property(
        fc.array(readableSpan, { minLength: 1, maxLength: 2 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 8 }),
        (spans, damage) => {
          for (const serializer of [ProtobufTraceSerializer, JsonTraceSerializer]) {
            const bytes = Uint8Array.from(serializer.serializeRequest(spans)!)
            for (const [at, byte] of damage) bytes[at % bytes.length] = byte
            readOrRefuse(() => (serializer === JsonTraceSerializer ? decodeJson(bytes) : decodeProtobuf(bytes)))
          }
        },
      ),
      { numRuns: 300 },
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readOrRefuse(() => decodeProtobuf(bytes))))
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        for (const body of [a, { resourceSpans: a }, { resourceSpans: [{ resource: a, scopeSpans: b }] }]) {
          readOrRefuse(() => decodeJson(Buffer.from(JSON.stringify(body))))
        }
      }),
    )
  })
})

const resourcesIn = (spans: readonly ReadableSpan[]) => new Set(spans.map((span) => span.resource)).size

function readOrRefuse(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(OtlpError)
  }
}

function jsonSpan(span: object, around: object = {}): StoredSpan | undefined {
  const body = { resourceSpans: [{ ...around, scopeSpans: [{ spans: [{ traceId, spanId, ...span }] }] }] }
  return decodeJson(Buffer.from(JSON.stringify(body))).spans[0]
}
function jsonValue(anyValue: object): unknown {
  return jsonSpan({ attributes: [{ key: 'k', value: anyValue }] })?.attributes['k']
}

describe('decodeJson', () => {
  it('takes 64-bit integers as numbers and as strings, exactly', () => {
    expect(jsonValue({ intValue: 7 })).toBe(7)
    expect(jsonValue({ intValue: '-7' })).toBe(-7)
    expect(jsonValue({ intValue: '9007199254740991' })).toBe(9_007_199_254_740_991)
    expect(jsonValue({ intValue: '9007199254740993' })).toBe(9_007_199_254_740_993n)
    expect(jsonValue({ intValue: '-9223372036854775808' })).toBe(-9_223_372_036_854_775_808n)
    // What JavaScript's exporter makes of a large double.
    expect(jsonValue({ intValue: 1e21 })).toBe(1e21)
    expect(jsonSpan({ startTimeUnixNano: '1763000000123456789', endTimeUnixNano: 12 })).toMatchObject({
      startUnixNano: 1_763_000_000_123_456_789n,
      endUnixNano: 12n,
    })
  })

  it('takes doubles that JSON has no numbers for', () => {
    expect(jsonValue({ doubleValue: 0.5 })).toBe(0.5)
    expect(jsonValue({ doubleValue: 'NaN' })).toBe(Number.NaN)
    expect(jsonValue({ doubleValue: '-Infinity' })).toBe(Number.NEGATIVE_INFINITY)
    expect(jsonValue({ doubleValue: null })).toBeNull()
  })

  it('takes bytes, lists, maps and values that are empty', () => {
    expect(jsonValue({ bytesValue: 'AQID' })).toEqual(Uint8Array.of(1, 2, 3))
    expect(jsonValue({ arrayValue: {} })).toEqual([])
    expect(jsonValue({ arrayValue: { values: [{ intValue: 1 }, {}, null] } })).toEqual([1, null, null])
    const values = [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { boolValue: false } }] } } }]
    expect(jsonValue({ kvlistValue: { values } })).toEqual({ a: { b: false } })
    expect(jsonValue({})).toBeNull()
  })

  it('takes enums as numbers and as names, and what it does not know as unset', () => {
    expect(jsonSpan({ kind: 3, status: { code: 2 } })).toMatchObject({ kind: 'client', status: { code: 'error' } })
    expect(jsonSpan({ kind: 'SPAN_KIND_PRODUCER', status: { code: 'STATUS_CODE_OK' } })).toMatchObject({
      kind: 'producer',
      status: { code: 'ok' },
    })
    expect(jsonSpan({ kind: 99, status: { code: 'SOMETHING' } })).toMatchObject({
      kind: 'unspecified',
      status: { code: 'unset' },
    })
  })

  it('writes ids in lower case, and takes an empty or zero parent for none', () => {
    expect(jsonSpan({ traceId: traceId.toUpperCase(), parentSpanId: 'ABCDEF0000000001' })).toMatchObject({
      traceId,
      parentSpanId: 'abcdef0000000001',
    })
    expect(jsonSpan({ parentSpanId: '' })).not.toHaveProperty('parentSpanId')
    expect(jsonSpan({ parentSpanId: '0000000000000000' })).not.toHaveProperty('parentSpanId')
  })

  it('ignores fields nobody knows, and nulls', () => {
    const span = jsonSpan(
      { name: 'n', later: { a: [1] }, events: null, links: [{ traceId, spanId, extra: 1 }] },
      { schemaUrl: 'https://example.com', entities: [{}], resource: null },
    )
    expect(span).toMatchObject({ name: 'n', events: [], links: [{ traceId, spanId, flags: 0, attributes: {} }] })
    expect(span?.resource).toEqual({ attributes: {} })
  })

  it('keeps a key that is called like a prototype a key', () => {
    const span = jsonSpan({ attributes: [{ key: '__proto__', value: { kvlistValue: { values: [] } } }] })
    expect(Object.keys(span!.attributes)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(span!.attributes)).toBe(Object.prototype)
  })

  it('takes the last of two attributes with one key', () => {
    const attributes = [1, 2].map((intValue) => ({ key: 'k', value: { intValue } }))
    expect(jsonSpan({ attributes })?.attributes).toEqual({ k: 2 })
  })
})

/** Fields of every layout that no message of OTLP has, or not in this layout. */
function unknownFields(): Uint8Array {
  return new BinaryWriter()
    .tag(1_000, WireType.Varint)
    .uint64(18_446_744_073_709_551_615n)
    .tag(1_001, WireType.Bit64)
    .fixed64(1)
    .tag(1_002, WireType.Bit32)
    .fixed32(1)
    .tag(536_870_911, WireType.LengthDelimited)
    .string('later')
    .tag(1_003, WireType.StartGroup)
    .tag(1, WireType.Varint)
    .int32(1)
    .tag(1_003, WireType.EndGroup)
    .tag(1, WireType.Varint)
    .int32(7)
    .finish()
}

describe('decodeProtobuf', () => {
  const withUnknown = (...fields: readonly (readonly [number, Uint8Array])[]) => {
    const writer = new BinaryWriter().raw(unknownFields())
    for (const [number, bytes] of fields) writer.tag(number, WireType.LengthDelimited).bytes(bytes).raw(unknownFields())
    return writer.finish()
  }
  const anyValue = new BinaryWriter().tag(3, WireType.Varint).int64('-5').tag(9, WireType.Varint).int32(1).finish()
  const attribute = withUnknown([1, Buffer.from('k')], [2, anyValue])
  const event = withUnknown([2, Buffer.from('e')], [3, attribute])
  const link = withUnknown([1, Buffer.from(traceId, 'hex')], [2, Buffer.from(spanId, 'hex')], [4, attribute])
  const status = new BinaryWriter().tag(2, WireType.LengthDelimited).string('m').tag(3, WireType.Varint).int32(2)
  const span = withUnknown(
    [1, Buffer.from(traceId, 'hex')],
    [2, Buffer.from(spanId, 'hex')],
    [5, Buffer.from('name')],
    [9, attribute],
    [11, event],
    [13, link],
    [15, new BinaryWriter().raw(status.finish()).raw(unknownFields()).finish()],
  )
  const scope = withUnknown([1, Buffer.from('s')], [2, Buffer.from('v')])
  const resource = withUnknown([1, attribute])

  it('skips fields of later versions in every message', () => {
    const bytes = withUnknown([1, withUnknown([1, resource], [2, withUnknown([1, scope], [2, span])])])
    expect(decodeProtobuf(bytes).spans).toEqual([
      {
        traceId,
        spanId,
        name: 'name',
        kind: 'unspecified',
        flags: 0,
        startUnixNano: 0n,
        endUnixNano: 0n,
        status: { code: 'error', message: 'm' },
        attributes: { k: -5 },
        events: [{ name: 'e', timeUnixNano: 0n, attributes: { k: -5 } }],
        links: [{ traceId, spanId, flags: 0, attributes: { k: -5 } }],
        resource: { attributes: { k: -5 } },
        scope: { name: 's', version: 'v' },
      },
    ])
  })

  it('takes resource and scope also where they come after the spans', () => {
    const bytes = withUnknown([1, withUnknown([2, withUnknown([2, span], [1, scope])], [1, resource])])
    expect(decodeProtobuf(bytes).spans).toMatchObject([
      { resource: { attributes: { k: -5 } }, scope: { name: 's', version: 'v' } },
    ])
  })

  it('reads 64-bit integers exactly', () => {
    const large = new BinaryWriter().tag(3, WireType.Varint).int64('9007199254740993').finish()
    const big = withUnknown([1, Buffer.from('k')], [2, large])
    const bytes = withUnknown([1, withUnknown([1, withUnknown([1, big])], [2, withUnknown([2, span])])])
    expect(decodeProtobuf(bytes).spans[0]?.resource.attributes['k']).toBe(9_007_199_254_740_993n)
  })
})
