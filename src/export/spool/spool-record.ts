import { crc32 } from 'node:zlib'

import { EncodedSpan, type EncodedGroup, type EncodedResource } from '../otlp/encoded-span.ts'
import { encodeFrame, readFrameHead } from './record-frame.ts'

/**
 * A record of the spool: a head that says how many spans it has, then a body. The body has the length of a table, the
 * table as JSON, and the bytes that the table divides: the groups, then the spans, encoded and redacted as they would be
 * sent.
 */
const mark = 0x3150_5352

interface Table {
  /** Per resource and scope: its length and its schema. */
  readonly groups: readonly (readonly [sizeBytes: number, schemaUrl: string])[]
  /** Per span: its resource, its scope, and its length. */
  readonly spans: readonly (readonly [resource: number, scope: number, sizeBytes: number])[]
}

/** What the head of a record says. */
export interface RecordHead {
  readonly bodyBytes: number
  readonly checksum: number
  readonly spans: number
}

/** Writes spans as one record. */
export function encodeRecord(spans: readonly EncodedSpan[]): Buffer {
  const groups = new Map<EncodedGroup, number>()
  const indexOf = (group: EncodedGroup): number => {
    const known = groups.get(group)
    if (known !== undefined) return known
    groups.set(group, groups.size)
    return groups.size - 1
  }
  const rows = spans.map(({ resource, scope, sizeBytes }) => [indexOf(resource), indexOf(scope), sizeBytes] as const)
  const table: Table = {
    groups: [...groups.keys()].map(({ bytes, schemaUrl }) => [bytes.byteLength, schemaUrl] as const),
    spans: rows,
  }
  const text = Buffer.from(JSON.stringify(table))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(text.byteLength)
  return encodeFrame(mark, spans.length, [
    size,
    text,
    ...[...groups.keys()].map(({ bytes }) => bytes),
    ...spans.map(({ bytes }) => bytes),
  ])
}

/** @returns nothing where no record begins here */
export function readHead(bytes: Buffer): RecordHead | undefined {
  const head = readFrameHead(bytes, mark)
  return head === undefined ? undefined : { bodyBytes: head.bodyBytes, checksum: head.checksum, spans: head.detail }
}

/** @returns nothing where the body is not what was written */
export function decodeBody(body: Buffer, { checksum }: RecordHead): readonly EncodedSpan[] | undefined {
  if (crc32(body) !== checksum) return undefined
  const tableEnd = 4 + body.readUInt32LE(0)
  const table = JSON.parse(body.toString('utf8', 4, tableEnd)) as Table
  let at = tableEnd
  const next = (sizeBytes: number): Uint8Array => body.subarray(at, (at += sizeBytes))
  const groups = table.groups.map(([sizeBytes, schemaUrl]): EncodedResource => ({
    bytes: next(sizeBytes),
    schemaUrl,
    isPending: false,
    settled: () => Promise.resolve(),
  }))
  return table.spans.map(
    ([resource, scope, sizeBytes]) => new EncodedSpan(groups[resource]!, groups[scope]!, 0, next(sizeBytes)),
  )
}
