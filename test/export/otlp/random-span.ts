import { createTraceState, type SpanContext } from '@opentelemetry/api'
import fc from 'fast-check'

import type { ExportableAttributes, ExportableSpan } from '../../../src/export/otlp/exportable-span.ts'

const hexId = (size: number) =>
  fc
    .uint8Array({ minLength: size, maxLength: size })
    .filter((bytes) => bytes.some((byte) => byte !== 0))
    .map((bytes) => Buffer.from(bytes).toString('hex'))

/** Texts of all lengths around those where encodings change, lone surrogates among them. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', 'chat', 'openai', 'gpt-4.1-mini', '\ud800', 'a\udc00b', 'ü'),
  fc
    .tuple(fc.constantFrom('a', 'é', '漢', '😀'), fc.constantFrom(1, 23, 24, 25, 63, 64, 65, 126, 127, 128, 330))
    .map(([character, length]) => character.repeat(length)),
)

const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(0, -0, 1.5, -1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 60, -(2 ** 63), 2 ** 63, 1e21, Number.NaN),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -(2 ** 53) - 2, -(2 ** 32)),
)

/** What SDK 3.x keeps: also nulls, maps, bytes, and lists of all of them. */
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3 }),
  ),
}))

/** Few keys, so that they come again from span to span. */
const key = fc.oneof(
  text,
  fc.constantFrom('gen_ai.request.model', 'gen_ai.usage.input_tokens', 'a.long.key.'.repeat(11)),
)
const attributes: fc.Arbitrary<ExportableAttributes> = fc.dictionary(key, value, { maxKeys: 8 })
const time = fc.tuple(fc.nat({ max: 18_000_000_000 }), fc.nat({ max: 999_999_999 }))
const count = fc.oneof(fc.constantFrom(0, undefined), fc.nat({ max: 4_294_967_295 }))

const context: fc.Arbitrary<SpanContext> = fc.record(
  {
    traceId: fc.oneof(fc.constant('00f067aa0ba902b74bf92f3577b34da6'), hexId(16)),
    spanId: hexId(8),
    traceFlags: fc.integer({ min: 0, max: 255 }),
    isRemote: fc.boolean(),
    traceState: fc.constantFrom(createTraceState('a=b'), createTraceState('runspan=00,x=y'), createTraceState('')),
  },
  { requiredKeys: ['traceId', 'spanId', 'traceFlags'] },
)

const resources = [
  { attributes: { 'service.name': 'planner', 'process.pid': 7 } },
  { attributes: { 'service.name': 'search' }, schemaUrl: 'https://opentelemetry.io/schemas/1.40.0' },
  { attributes: {} },
]
const scopes = [
  { name: 'runspan', version: '0.1.0' },
  { name: 'plain' },
  { name: '', version: '', schemaUrl: 'https://example.org/1' },
]

/** Any ended span that an SDK from 2.0 to 3.1 could hand over. */
export const randomSpan: fc.Arbitrary<ExportableSpan> = fc
  .record({
    own: context,
    parentSpanContext: fc.option(context, { nil: undefined }),
    name: text,
    kind: fc.integer({ min: 0, max: 4 }),
    startTime: time,
    endTime: time,
    status: fc.record({ code: fc.integer({ min: 0, max: 2 }), message: text }, { requiredKeys: ['code'] }),
    attributes,
    events: fc.array(fc.record({ name: text, time, attributes, droppedAttributesCount: count }), { maxLength: 3 }),
    links: fc.array(fc.record({ context, attributes, droppedAttributesCount: count }), { maxLength: 3 }),
    resource: fc.constantFrom(...resources),
    instrumentationScope: fc.constantFrom(...scopes),
    droppedAttributesCount: count,
    droppedEventsCount: count,
    droppedLinksCount: count,
  })
  .map(({ own, ...rest }) => ({ ...rest, spanContext: () => own }))
