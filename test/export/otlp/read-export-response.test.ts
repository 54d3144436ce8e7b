import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { readErrorMessage, readExportResponse } from '../../../src/export/otlp/read-export-response.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)

function partialSuccess(rejectedSpans: number, errorMessage: string): Uint8Array {
  const inner = new BinaryWriter()
  inner.tag(1, WireType.Varint).int64(rejectedSpans).tag(2, WireType.LengthDelimited).string(errorMessage)
  // A field of a later version, in each of the layouts.
  inner.tag(90, WireType.Bit64).fixed64(7).tag(91, WireType.Bit32).fixed32(7).tag(92, WireType.Varint).uint32(7)
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(inner.finish()).finish()
}

it('reads a partial success, in protobuf and in JSON', () => {
  const expected = { rejectedSpans: 300, errorMessage: 'ids are too long' }
  expect(readExportResponse(partialSuccess(300, 'ids are too long'))).toEqual(expected)
  for (const rejectedSpans of ['300', 300]) {
    const json = JSON.stringify({ partialSuccess: { rejectedSpans, errorMessage: 'ids are too long' } })
    expect(readExportResponse(utf8(json))).toEqual(expected)
  }
})

it('reads what the stock exporter reads', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.string({ unit: 'grapheme', maxLength: 100 }), (count, message) => {
      const bytes = partialSuccess(Math.max(0, count), message)
      const stock = ProtobufTraceSerializer.deserializeResponse(bytes).partialSuccess
      expect(readExportResponse(bytes)).toEqual({
        rejectedSpans: stock?.rejectedSpans ?? 0,
        errorMessage: stock?.errorMessage ?? '',
      })
    }),
  )
})

it('takes anything else for a success without words', () => {
  const nothing = { rejectedSpans: 0, errorMessage: '' }
  for (const body of [
    '',
    '{}',
    '{"partialSuccess":{}}',
    '{"partialSuccess":',
    '<html>OK</html>',
    'ok',
    '{"partialSuccess":7}',
  ]) {
    expect(readExportResponse(utf8(body))).toEqual(nothing)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const { rejectedSpans, errorMessage } = readExportResponse(bytes)
      expect(Number.isSafeInteger(rejectedSpans) && rejectedSpans >= 0).toBe(true)
      expect(typeof errorMessage).toBe('string')
    }),
  )
})

it('reads the reason of an error from a status in either encoding, and from plain text', () => {
  const status = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(3)
    .tag(2, WireType.LengthDelimited)
    .string('too large')
  expect(readErrorMessage(status.finish())).toBe('too large')
  expect(readErrorMessage(utf8('{"code":3,"message":"too large"}'))).toBe('too large')
  expect(readErrorMessage(utf8(' http: request body too large\n'))).toBe('http: request body too large')
  expect(readErrorMessage(utf8('{"error":'))).toBe('{"error":')
  expect(readErrorMessage(new Uint8Array())).toBe('')
})

it('keeps no more of a message than anyone reads', () => {
  expect(readErrorMessage(utf8('x'.repeat(50_000)))).toHaveLength(1024)
  expect(readExportResponse(partialSuccess(1, 'x'.repeat(50_000))).errorMessage).toHaveLength(1024)
})
