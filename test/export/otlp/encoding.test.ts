import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createOtlpEncoder, type OtlpEncoderOptions } from '../../../src/export/otlp/create-otlp-encoder.ts'
import { EncodedSpan } from '../../../src/export/otlp/encoded-span.ts'
import type { ExportableSpan } from '../../../src/export/otlp/exportable-span.ts'
import { decodeJson } from '../../../src/query/otlp/decode-json.ts'
import { decodeProtobuf } from '../../../src/viewer/receiver/decode-protobuf.ts'
import { countsFromNow } from '../../support/counts.ts'
import { decodeOfficially } from './official-messages.ts'
import { fullSpan } from './full-span.ts'
import { randomSpan } from './random-span.ts'

const asRecorded = { redaction: false } as const
const spans = fc.array(randomSpan, { minLength: 1, maxLength: 6 })

function encodeAll(all: readonly ExportableSpan[], options: OtlpEncoderOptions = asRecorded): Uint8Array {
  const encoder = createOtlpEncoder(options)
  return encoder.encodeRequest(all.map((span) => encoder.encodeSpan(span)!))
}

/** Groups scopes by what they say, as Runspan does; the stock serializer goes by identity. */
const stock = (all: readonly ExportableSpan[]): Uint8Array => ProtobufTraceSerializer.serializeRequest(all as never)!

/** Integers are texts for us, and numbers for the stock serializer. */
function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString(), (name, value: unknown) =>
    name === 'intValue' ? String(value) : value,
  )
}

const bySpanId = (a: { spanId: string }, b: { spanId: string }) => (a.spanId < b.spanId ? -1 : 1)
const contextOf = (traceId: string, spanId: string) => () => ({ traceId, spanId, traceFlags: 1 })

describe('protobuf', () => {
  it("decodes, by OTLP's own definitions, to what the stock serializer's bytes decode to", () => {
    fc.assert(
      fc.property(spans, (all) => {
        expect(decodeOfficially(encodeAll(all))).toEqual(decodeOfficially(stock(all)))
      }),
      { numRuns: 80 },
    )
  })

  it('is byte for byte the same as the stock span where no field holds its default', () => {
    const span = fullSpan()
    const bytes = Buffer.from(createOtlpEncoder(asRecorded).encodeSpan(span)!.bytes)
    expect(Buffer.from(stock([span])).includes(bytes)).toBe(true)
    expect(bytes.length).toBeGreaterThan(300)
  })

  it('leaves out what holds its default, and so is never longer than the stock request', () => {
    fc.assert(
      fc.property(spans, (all) => encodeAll(all).length <= stock(all).length),
      { numRuns: 50 },
    )
  })

  it('is the same whether spans stand beside each other in memory or apart, whatever their sizes, order and selection', () => {
    const encoder = createOtlpEncoder(asRecorded)
    const common = { ...fullSpan(), events: [], links: [] }
    const encodedWith = (length: number): EncodedSpan =>
      encoder.encodeSpan({ ...common, attributes: { text: 'x'.repeat(length) } })!
    // Where the length of a span takes one byte more.
    const edge = 16_384 - (encodedWith(1000).sizeBytes - 1000)
    expect([encodedWith(edge - 1).sizeBytes, encodedWith(edge).sizeBytes]).toEqual([16_383, 16_384])
    expect(encodedWith(0).sizeBytes).toBeLessThan(128)
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: edge - 2, max: edge + 2 }),
      fc.constant(70_000),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(lengths, fc.integer({ min: -1, max: 20 })), { maxLength: 30 }), (wanted) => {
        const all = wanted.map(([length]) => encodedWith(length))
        // Some left out, some in another place.
        const chosen = all
          .map((span, index) => ({ span, place: wanted[index]![1] }))
          .filter(({ place }) => place >= 0)
          .toSorted((one, other) => Math.floor(one.place / 10) - Math.floor(other.place / 10))
          .map(({ span }) => span)
        const apart = chosen.map((span) => span.withBytes(Uint8Array.from(span.bytes)))
        const request = encoder.encodeRequest(chosen)
        expect(Buffer.from(request).equals(encoder.encodeRequest(apart))).toBe(true)
        expect(encoder.requestSizeBytes(chosen)).toBe(request.length)
      }),
    )
    // They do stand beside each other; and what stands at the same place of another chunk is no neighbour.
    const [first, second] = [encodedWith(300), encodedWith(300)]
    expect([second.chunk, second.start]).toEqual([first.chunk, first.end + 3])
    const { resource, scope, start, end } = second
    const other = new EncodedSpan(resource, scope, 0, new Uint8Array(second.chunk.length).fill(1), start, end)
    expect(Buffer.from(encoder.encodeRequest([first, other])).includes(Buffer.from(other.bytes))).toBe(true)
  })

  it('writes every nanosecond exactly', () => {
    const time = fc.tuple(fc.nat({ max: 18_446_744_072 }), fc.nat({ max: 999_999_999 }))
    fc.assert(
      fc.property(time, time, (startTime, endTime) => {
        const [decoded] = decodeProtobuf(encodeAll([fullSpan({ startTime, endTime })])).spans
        expect(decoded?.startUnixNano).toBe(BigInt(startTime[0]) * 1_000_000_000n + BigInt(startTime[1]))
        expect(decoded?.endUnixNano).toBe(BigInt(endTime[0]) * 1_000_000_000n + BigInt(endTime[1]))
      }),
    )
  })

  it('keeps spans whole that follow each other in shared memory, whatever their size', () => {
    const encoder = createOtlpEncoder({ ...asRecorded, maxAttributeSizeBytes: 1_000_000 })
    const texts = Array.from({ length: 120 }, (_, index) =>
      (index % 7 === 0 ? 'ü' : 'a').repeat((index * 977) % 40_000),
    )
    const encoded = texts.map((text) => encoder.encodeSpan(fullSpan({ attributes: { text } }))!)
    const decoded = decodeProtobuf(encoder.encodeRequest(encoded)).spans
    expect(decoded.map((span) => span.attributes['text'])).toEqual(texts)
  })
})

describe('JSON', () => {
  it('decodes to what the protobuf decodes to, byte values and large integers included', () => {
    fc.assert(
      fc.property(spans, (all) => {
        const json = decodeJson(encodeAll(all, { ...asRecorded, encoding: 'json' })).spans
        expect(json).toEqual(decodeProtobuf(encodeAll(all)).spans)
      }),
      { numRuns: 60 },
    )
  })

  it('is what the stock serializer writes, but for integers as texts and for what holds its default', () => {
    const span = fullSpan()
    const ours = parseJson(encodeAll([span], { ...asRecorded, encoding: 'json' })) as object
    const theirs = parseJson(JsonTraceSerializer.serializeRequest([span] as never)!)
    expect(theirs).toMatchObject(ours)
    expect(ours).toHaveProperty('resourceSpans[0].scopeSpans[0].spans[0].attributes[4]')
  })

  it('writes numbers that JSON has no words for as protobuf does', () => {
    const attributes = { nan: Number.NaN, infinite: Number.NEGATIVE_INFINITY, large: 2 ** 60, larger: 2 ** 63 }
    const text = Buffer.from(encodeAll([fullSpan({ attributes })], { ...asRecorded, encoding: 'json' })).toString()
    expect(text).toContain('{"key":"nan","value":{"doubleValue":"NaN"}}')
    expect(text).toContain('{"doubleValue":"-Infinity"}')
    expect(text).toContain('{"intValue":"1152921504606846976"}')
    expect(text).toContain('{"doubleValue":9223372036854776000}')
  })
})

describe.each(['protobuf', 'json'] as const)('an encoder for %s', (encoding) => {
  const options = { ...asRecorded, encoding }
  const decode = (bytes: Uint8Array) => (encoding === 'json' ? decodeJson(bytes) : decodeProtobuf(bytes)).spans

  it('knows the size of a request before it is built', () => {
    fc.assert(
      fc.property(spans, (all) => {
        const encoder = createOtlpEncoder(options)
        const encoded = all.map((span) => encoder.encodeSpan(span)!)
        expect(encoder.requestSizeBytes(encoded)).toBe(encoder.encodeRequest(encoded).length)
      }),
      { numRuns: 40 },
    )
  })

  it('splits requests without encoding anything again', () => {
    fc.assert(
      fc.property(spans, fc.nat({ max: 6 }), (all, at) => {
        const encoder = createOtlpEncoder(options)
        const encoded = all.map((span) => encoder.encodeSpan(span)!)
        const [first, second] = [encoded.slice(0, at), encoded.slice(at)]
        expect(
          [...decode(encoder.encodeRequest(first)), ...decode(encoder.encodeRequest(second))].toSorted(bySpanId),
        ).toEqual(decode(encoder.encodeRequest(encoded)).toSorted(bySpanId))
      }),
      { numRuns: 40 },
    )
  })

  it('puts spans of equal scopes together, and those of different resources apart', () => {
    const resource = { attributes: { 'service.name': 'planner' } }
    const other = { attributes: { 'service.name': 'planner' } }
    const encoder = createOtlpEncoder(options)
    const encoded = [
      fullSpan({ resource, instrumentationScope: { name: 'runspan', version: '0.1.0' } }),
      fullSpan({ resource: other, instrumentationScope: { name: 'runspan', version: '0.1.0' } }),
      fullSpan({ resource, instrumentationScope: { name: 'runspan', version: '0.1.0' } }),
    ].map((span) => encoder.encodeSpan(span)!)
    expect(encoded[0]!.scope).toBe(encoded[2]!.scope)
    expect(encoded[0]!.resource).toBe(encoded[2]!.resource)
    expect(encoded[0]!.resource).not.toBe(encoded[1]!.resource)
    expect(decode(encoder.encodeRequest(encoded))).toHaveLength(3)
  })

  it('gives nothing for a span without valid ids, and for one that throws when it is read', () => {
    const encoder = createOtlpEncoder(options)
    const good = contextOf('00f067aa0ba902b74bf92f3577b34da6', '00f067aa0ba902b7')
    const bad: readonly ExportableSpan[] = [
      fullSpan({ spanContext: contextOf('0'.repeat(32), '00f067aa0ba902b7') }),
      fullSpan({ spanContext: contextOf('00f067aa0ba902b74bf92f3577b34da6', '00f067aa') }),
      fullSpan({ spanContext: contextOf('zzf067aa0ba902b74bf92f3577b34da6', '00f067aa0ba902b7') }),
      Object.defineProperty(fullSpan(), 'attributes', {
        get() {
          throw new Error('hostile')
        },
      }),
    ]
    expect(bad.map((span) => encoder.encodeSpan(span))).toEqual([undefined, undefined, undefined, undefined])
    expect(encoder.encodeSpan(fullSpan({ spanContext: good }))).toBeDefined()
  })

  it('sends spans whose resource or scope cannot be read, without what cannot be', () => {
    const encoder = createOtlpEncoder(options)
    const attributes = Object.defineProperty({}, 'hostile', {
      enumerable: true,
      get() {
        throw new Error('hostile')
      },
    })
    const counts = countsFromNow()
    const encoded = [
      encoder.encodeSpan(fullSpan({ resource: { attributes } })),
      encoder.encodeSpan(fullSpan({ instrumentationScope: { name: 'hostile', attributes } })),
    ]
    const read = decode(encoder.encodeRequest(encoded as EncodedSpan[]))
    expect(read.map(({ name }) => name)).toEqual(['chat gpt-4.1-mini', 'chat gpt-4.1-mini'])
    expect(read.map(({ resource }) => resource.attributes)).toEqual([{}, { 'service.name': 'planner' }])
    expect(counts()).toEqual({ internalErrors: 2 })
  })

  it('can be read whatever the numbers of a span are', () => {
    const odd = {
      kind: undefined,
      droppedAttributesCount: Number.NaN,
      droppedEventsCount: -1,
      startTime: [Number.NaN, -1],
    }
    const [decoded] = decode(encodeAll([fullSpan(odd as never)], options))
    expect(decoded).toMatchObject({ name: 'chat gpt-4.1-mini', kind: 'unspecified' })
  })

  it('keeps a span whole while a function that redacts it ends others', () => {
    const inner: (EncodedSpan | undefined)[] = []
    const encoder = createOtlpEncoder({
      encoding,
      redaction: {
        redact: (text, { key }) => {
          if (key === 'text') inner.push(encoder.encodeSpan(fullSpan({ name: `inner ${text}`, attributes: {} })))
          // Without an end, as the encoder sees to.
          if (key === 'endless') inner.push(encoder.encodeSpan(fullSpan({ attributes: { endless: 'c' } })))
          return text
        },
      },
    })
    const attributes = { text: 'a'.repeat(100), last: 'b' }
    const outer = encoder.encodeSpan(fullSpan({ name: 'outer', attributes }))!
    const spansOut = decode(encoder.encodeRequest([outer, inner[0]!]))
    expect(spansOut.map((span) => span.name)).toEqual(['outer', `inner ${'a'.repeat(100)}`])
    expect(spansOut[0]!.attributes).toEqual(attributes)
    inner.length = 0
    expect(encoder.encodeSpan(fullSpan({ attributes: { endless: 'c' } }))).toBeDefined()
    expect(inner.map((span) => span === undefined)).toEqual([true, false])
  })

  it('leaves out links to nowhere, which would cost the whole request, and counts them', () => {
    const good = fullSpan().links[0]!
    const bad = { ...good, context: { traceId: 'zz', spanId: '123', traceFlags: 1 } }
    const bytes = encodeAll([fullSpan({ links: [bad, good, bad], droppedLinksCount: 1 })], options)
    expect(decode(bytes)[0]!.links.map((link) => link.spanId)).toEqual([good.context.spanId])
    if (encoding === 'json') expect(Buffer.from(bytes).toString()).toContain('"droppedLinksCount":3')
    else expect(JSON.stringify(decodeOfficially(bytes))).toContain('"droppedLinksCount":3')
  })

  it('stops where values are nested deeper than receivers read', () => {
    let nested: unknown = 'bottom'
    for (let level = 0; level < 1000; level++) nested = level % 2 === 0 ? [nested] : { inner: nested }
    const [decoded] = decode(encodeAll([fullSpan({ attributes: { nested } })], options))
    expect(JSON.stringify(decoded?.attributes).match(/\[|\{/g)).toHaveLength(1 + 24)
  })

  it('waits for nothing, and has what detectors find in the requests after', async () => {
    let found!: () => void
    const detected = new Promise<void>((resolve) => (found = resolve))
    const resource = {
      attributes: { 'service.name': 'planner' } as Record<string, unknown>,
      asyncAttributesPending: true,
      waitForAsyncAttributes: () => detected,
    }
    const encoder = createOtlpEncoder(options)
    const span = encoder.encodeSpan(fullSpan({ resource }))!
    expect(span.resource.isPending).toBe(true)
    expect(decode(encoder.encodeRequest([span]))[0]!.resource.attributes).toEqual({ 'service.name': 'planner' })
    resource.attributes['host.name'] = 'one'
    resource.asyncAttributesPending = false
    found()
    await span.resource.settled()
    expect(span.resource.isPending).toBe(false)
    expect(decode(encoder.encodeRequest([span]))[0]!.resource.attributes).toHaveProperty(['host.name'], 'one')
  })

  it('changes no span', () => {
    fc.assert(
      fc.property(randomSpan, (span) => {
        const before = structuredClone({
          ...span,
          spanContext: undefined,
          links: undefined,
          parentSpanContext: undefined,
        })
        const encoder = createOtlpEncoder({ encoding, maxSpanSizeBytes: 4096, redaction: { content: 'off' } })
        encoder.encodeSpan(span)
        const after = { ...span, spanContext: undefined, links: undefined, parentSpanContext: undefined }
        expect(after).toEqual(before)
      }),
      { numRuns: 40 },
    )
  })
})

it('says what it writes', () => {
  const contentTypes = (['protobuf', 'json'] as const).map((encoding) => createOtlpEncoder({ encoding }).contentType)
  expect(contentTypes).toEqual(['application/x-protobuf', 'application/json'])
})

it('does not know other encodings', () => {
  expect(() => createOtlpEncoder({ encoding: 'xml' as 'json' })).toThrow(/encoding: xml cannot be used/)
})
