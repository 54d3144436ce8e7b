import { createHash } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { createOtlpEncoder } from '../../../src/export/otlp/create-otlp-encoder.ts'
import type { EncodedSpan } from '../../../src/export/otlp/encoded-span.ts'
import type { OtlpEncoder } from '../../../src/export/otlp/otlp-encoder.ts'
import type { OffloadSite } from '../../../src/export/otlp/outgoing-values.ts'
import { resolveBudgets } from '../../../src/export/otlp/size-budgets.ts'
import type { StoredSpan } from '../../../src/query/stored-span.ts'
import { stats } from '../../../src/run/stats.ts'
import { decodeJson } from '../../../src/query/otlp/decode-json.ts'
import { decodeProtobuf } from '../../../src/viewer/receiver/decode-protobuf.ts'
import { fullSpan } from './full-span.ts'
import { decodeOfficially } from './official-messages.ts'
import { randomSpan } from './random-span.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const textOf = (span: StoredSpan, key: string) => span.attributes[key] as string

const eventOf = (index: number) => ({ name: `event ${index}`, time: [1, index] as const, attributes: { index } })

function decoded(encoder: OtlpEncoder, span: EncodedSpan): StoredSpan {
  const bytes = encoder.encodeRequest([span])
  return (encoder.contentType === 'application/json' ? decodeJson(bytes) : decodeProtobuf(bytes)).spans[0]!
}

describe('budgets', () => {
  it('have defaults that collectors take on either protocol', () => {
    expect(resolveBudgets()).toEqual({
      maxAttributeSizeBytes: 262_144,
      maxSpanSizeBytes: 1_048_576,
      maxRequestSizeBytes: 4_194_304,
    })
  })

  it('bound each other: a span fits into a request, a value into a span', () => {
    expect(resolveBudgets({ maxRequestSizeBytes: 65_536 })).toEqual({
      maxAttributeSizeBytes: 49_152,
      maxSpanSizeBytes: 49_152,
      maxRequestSizeBytes: 65_536,
    })
    expect(resolveBudgets({ maxSpanSizeBytes: 4096 }).maxAttributeSizeBytes).toBe(4096)
  })

  it.each([
    ['maxAttributeSizeBytes', 511],
    ['maxSpanSizeBytes', 4095],
    ['maxRequestSizeBytes', 20_479],
    ['maxRequestSizeBytes', Number.NaN],
    ['maxSpanSizeBytes', '1 MiB'],
  ])('are refused at set-up: %s %s', (name, value) => {
    expect(() => createOtlpEncoder({ [name]: value })).toThrow(
      new RegExp(`Failed to configure ${name}: .* cannot be used. Use a whole number of bytes, at least \\d+`),
    )
  })
})

describe.each(['protobuf', 'json'] as const)('a value that is too large, in %s', (encoding) => {
  const small = { encoding, maxAttributeSizeBytes: 1000 } as const

  it('is shortened wherever it stands, and counted', () => {
    const text = 'long '.repeat(500)
    const encoder = createOtlpEncoder(small)
    const encoded = encoder.encodeSpan(
      fullSpan({
        attributes: { text, short: 'as it was' },
        events: [{ name: 'exception', time: [1, 2], attributes: { 'exception.stacktrace': text } }],
        links: [{ ...fullSpan().links[0]!, attributes: { text } }],
        status: { code: 2, message: text },
      }),
    )!
    const span = decoded(encoder, encoded)
    const mark = `…[truncated original_bytes=2500 sha256=${sha256(text)}]`
    for (const value of [
      span.attributes['text'],
      span.events[0]!.attributes['exception.stacktrace'],
      span.links[0]!.attributes['text'],
      span.status.message,
    ]) {
      expect(value).toMatch(/^long long/)
      expect((value as string).endsWith(mark)).toBe(true)
      expect(Buffer.byteLength(value as string)).toBe(1000)
    }
    expect(span.attributes['short']).toBe('as it was')
    expect(encoded.truncatedCount).toBe(4)
    expect(encoder.encodeSpan(fullSpan())!.truncatedCount).toBe(0)
  })

  it('becomes JSON of itself where it is a list or a map, and a mark where it is bytes', () => {
    const encoder = createOtlpEncoder(small)
    const list = Array.from({ length: 1000 }, (_, index) => index)
    const encoded = encoder.encodeSpan(
      fullSpan({ attributes: { list, map: { text: 'x'.repeat(2000) }, bytes: new Uint8Array(2000), few: [1, 2] } }),
    )!
    const span = decoded(encoder, encoded)
    const parsed = JSON.parse(textOf(span, 'list')) as readonly unknown[]
    expect(parsed.slice(0, 2)).toEqual([0, 1])
    expect(parsed.at(-1)).toHaveProperty('_truncated.original_bytes', JSON.stringify(list).length)
    expect(JSON.parse(textOf(span, 'map'))).toMatchObject({ text: expect.stringMatching(/^x+…$/) as string })
    expect(JSON.parse(textOf(span, 'bytes'))).toHaveProperty('_truncated.sha256')
    expect(span.attributes['few']).toEqual([1, 2])
    expect(encoded.truncatedCount).toBe(3)
  })

  it('is kept elsewhere where there is a place for it', () => {
    const text = 'long '.repeat(500)
    const kept: (readonly [string, OffloadSite])[] = []
    const encoder = createOtlpEncoder({
      ...small,
      offload: (value, site) => {
        kept.push([value, site])
        return site.key === 'gen_ai.input.messages' ? `s3://content/${site.sha256}` : undefined
      },
    })
    const attributes = { 'gen_ai.input.messages': text, 'gen_ai.output.messages': text, short: 'no' }
    const span = decoded(encoder, encoder.encodeSpan(fullSpan({ attributes }))!)
    expect(JSON.parse(textOf(span, 'gen_ai.input.messages'))).toEqual({
      _truncated: { original_bytes: 2500, sha256: sha256(text), reference: `s3://content/${sha256(text)}` },
    })
    expect(textOf(span, 'gen_ai.output.messages')).toMatch(/^long .*…\[truncated/)
    const { traceId, spanId } = span
    expect(kept).toEqual([
      [text, { key: 'gen_ai.input.messages', traceId, spanId, sizeBytes: 2500, sha256: sha256(text) }],
      [text, { key: 'gen_ai.output.messages', traceId, spanId, sizeBytes: 2500, sha256: sha256(text) }],
    ])
  })

  it('is shortened where the place for it throws, which is counted', () => {
    const before = stats().callbackErrors
    const encoder = createOtlpEncoder({
      ...small,
      offload: () => {
        throw new Error('the disk is full')
      },
    })
    const span = decoded(encoder, encoder.encodeSpan(fullSpan({ attributes: { text: 'long '.repeat(500) } }))!)
    expect(textOf(span, 'text')).toMatch(/…\[truncated/)
    expect(stats().callbackErrors).toBe(before + 1)
  })

  it('is a name that nobody reads to its end', () => {
    const encoder = createOtlpEncoder(small)
    const long = 'n'.repeat(3000)
    const encoded = encoder.encodeSpan(
      fullSpan({ name: long, attributes: { [long]: 1 }, events: [{ name: long, time: [1, 2] }] }),
    )!
    const span = decoded(encoder, encoded)
    for (const name of [span.name, span.events[0]!.name, Object.keys(span.attributes)[0]]) {
      expect(name).toBe(`${'n'.repeat(1024)}…`)
    }
    expect(encoded.truncatedCount).toBe(3)
  })
})

describe.each(['protobuf', 'json'] as const)('a span that is too large, in %s', (encoding) => {
  it('is cut at its largest values, down to one length, and else stays as it was', () => {
    const encoder = createOtlpEncoder({ encoding, maxSpanSizeBytes: 8192 })
    const attributes = { a: 'a'.repeat(20_000), b: 'b'.repeat(5000), c: 'c'.repeat(1000), n: 7 }
    const encoded = encoder.encodeSpan(fullSpan({ attributes }))!
    expect(encoded.bytes.length).toBeLessThanOrEqual(8192)
    expect(encoded.bytes.length).toBeGreaterThan(7500)
    expect(encoded.truncatedCount).toBe(2)
    const span = decoded(encoder, encoded)
    expect(textOf(span, 'a')).toMatch(/^a+…\[truncated original_bytes=20000 /)
    expect(textOf(span, 'b')).toMatch(/^b+…\[truncated original_bytes=5000 /)
    expect(Math.abs(textOf(span, 'a').length - textOf(span, 'b').length)).toBeLessThan(50)
    expect(span.attributes['c']).toBe(attributes.c)
    expect(span.attributes['n']).toBe(7)
    const { attributes: _shortened, ...rest } = span
    const { attributes: _whole, ...expected } = decoded(encoder, encoder.encodeSpan(fullSpan())!)
    expect(rest).toEqual(expected)
  })

  it('loses its oldest events, then links, then its largest attributes, and says how many', () => {
    const encoder = createOtlpEncoder({ encoding, maxSpanSizeBytes: 4096 })
    const link = fullSpan().links[0]!
    const withEvents = encoder.encodeSpan(
      fullSpan({ events: Array.from({ length: 500 }, (_, index) => eventOf(index)), droppedEventsCount: 2 }),
    )!
    const events = decoded(encoder, withEvents).events
    expect(events.at(-1)!.name).toBe('event 499')
    expect(events.length).toBeGreaterThan(20)
    expect(withEvents.truncatedCount).toBe(500 - events.length)
    expect(encoder.encodeRequest([withEvents])).toSatisfy(
      (bytes: Uint8Array) => droppedOf(encoding, bytes).droppedEventsCount === 502 - events.length,
    )

    const withLinks = encoder.encodeSpan(
      fullSpan({ links: Array.from({ length: 300 }, (_, index) => ({ ...link, attributes: { index } })) }),
    )!
    const { links } = decoded(encoder, withLinks)
    expect(links.at(-1)!.attributes['index']).toBe(299)
    expect(droppedOf(encoding, encoder.encodeRequest([withLinks])).droppedLinksCount).toBe(305 - links.length)

    const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`key ${index}`, `value ${index}`]))
    const withAttributes = encoder.encodeSpan(fullSpan({ attributes: many }))!
    const left = Object.keys(decoded(encoder, withAttributes).attributes).length
    expect(left).toBeGreaterThan(20)
    expect(droppedOf(encoding, encoder.encodeRequest([withAttributes])).droppedAttributesCount).toBe(401 - left)
    for (const span of [withEvents, withLinks, withAttributes]) expect(span.bytes.length).toBeLessThanOrEqual(4096)
  })

  it('fits afterwards and can be read, whatever it was', () => {
    const padded = fc.tuple(randomSpan, fc.nat({ max: 20_000 })).map(([span, length]) => ({
      ...span,
      attributes: { ...span.attributes, padding: 'é"'.repeat(length) },
    }))
    fc.assert(
      fc.property(padded, fc.integer({ min: 1500, max: 9000 }), (span, maxSizeBytes) => {
        const encoder = createOtlpEncoder({ encoding })
        const encoded = encoder.encodeSpan(span)!
        const shrunk = encoder.shrinkSpan(encoded, maxSizeBytes)
        if (shrunk === undefined) return
        expect(shrunk.bytes.length).toBeLessThanOrEqual(maxSizeBytes)
        expect(decoded(encoder, shrunk).spanId).toBe(span.spanContext().spanId)
        if (encoded.bytes.length <= maxSizeBytes) expect(shrunk).toBe(encoded)
        else expect(shrunk.truncatedCount).toBeGreaterThan(0)
      }),
      { numRuns: 60 },
    )
  })

  it('is given up where nothing that may be cut is left', () => {
    const encoder = createOtlpEncoder({ encoding })
    const encoded = encoder.encodeSpan(fullSpan({ name: 'n'.repeat(500) }))!
    expect(encoder.shrinkSpan(encoded, 300)).toBeUndefined()
    expect(encoder.shrinkSpan(encoded, 900)).toBeDefined()
  })
})

it('carries one span of 5 MiB among 200 into requests of 4 MiB', () => {
  const encoder = createOtlpEncoder()
  const encoded = Array.from({ length: 200 }, (_, index) =>
    encoder.encodeSpan(
      fullSpan({ attributes: index === 100 ? { text: 'x'.repeat(5 * 1024 * 1024) } : { text: `span ${index}` } }),
    ),
  )
  const request = encoder.encodeRequest(encoded as readonly EncodedSpan[])
  expect(request.length).toBeLessThan(4 * 1024 * 1024)
  const spans = decodeProtobuf(request).spans
  expect(spans.map((span, index) => span.attributes['text'] === `span ${index}`).filter((is) => !is)).toHaveLength(1)
  expect(textOf(spans[100]!, 'text')).toMatch(/^x+…\[truncated original_bytes=5242880 /)
})

type Dropped = Readonly<Record<`dropped${'Attributes' | 'Events' | 'Links'}Count`, number>>

function droppedOf(encoding: 'protobuf' | 'json', bytes: Uint8Array): Dropped {
  const request = (encoding === 'json' ? JSON.parse(Buffer.from(bytes).toString()) : decodeOfficially(bytes)) as {
    readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Dropped[] }[] }[]
  }
  return request.resourceSpans[0]!.scopeSpans[0]!.spans[0]!
}
