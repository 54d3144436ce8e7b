import { crc32 } from 'node:zlib'

import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { decodeBody, encodeRecord, headBytes, readHead } from './spool-record.ts'

/**
 * A record of a file of open runs: 16 bytes of head, then a body. The head has a mark, the length of the body, its CRC-32,
 * and what it is, all as 32 bits in little-endian.
 *
 * - `owner`: first in each file; whose it is, as JSON.
 * - `open`: the id of a run, and the root that it is to have if its process is lost, as a record of the spool. A later
 *   one of the same run takes its place.
 * - `left`: the id of a run that has ended, or that somebody else ends.
 */
const kinds = { owner: 0, open: 1, left: 2 } as const
const mark = 0x314e_5552
const idBytes = 32

/** What a file of open runs says. */
export interface OpenRunRecords {
  /** `undefined` where it does not say, or where the system did not. */
  readonly owner: ProcessIdentity | undefined
  /** The roots of the runs that were open at its end. */
  readonly roots: readonly EncodedSpan[]
  /** Whether its end was cut off, or something in it is damaged. */
  readonly isTorn: boolean
}

export function ownerRecord(owner: ProcessIdentity | undefined): Buffer {
  return record(kinds.owner, [Buffer.from(JSON.stringify(owner ?? null))])
}

export function openRecord(runId: string, root: EncodedSpan): Buffer {
  return record(kinds.open, [Buffer.from(runId), encodeRecord([root])])
}

export function leftRecord(runId: string): Buffer {
  return record(kinds.left, [Buffer.from(runId)])
}

function record(kind: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(headBytes)
  head.writeUInt32LE(mark, 0)
  head.writeUInt32LE(body.byteLength, 4)
  head.writeUInt32LE(crc32(body), 8)
  head.writeUInt32LE(kind, 12)
  return Buffer.concat([head, body])
}

/** Reads a file of open runs, as far as it goes. */
export function readOpenRuns(file: Buffer): OpenRunRecords {
  let owner: ProcessIdentity | undefined
  const roots = new Map<string, EncodedSpan>()
  let offset = 0
  while (offset + headBytes <= file.byteLength) {
    const body = file.subarray(offset + headBytes, offset + headBytes + file.readUInt32LE(offset + 4))
    const isWhole = file.readUInt32LE(offset) === mark && body.byteLength === file.readUInt32LE(offset + 4)
    if (!isWhole || crc32(body) !== file.readUInt32LE(offset + 8)) break
    const kind = file.readUInt32LE(offset + 12)
    if (kind === kinds.owner) owner = (JSON.parse(body.toString()) as ProcessIdentity | null) ?? undefined
    else {
      const runId = body.toString('latin1', 0, idBytes)
      const root = kind === kinds.open ? rootIn(body.subarray(idBytes)) : undefined
      if (root === undefined) roots.delete(runId)
      else roots.set(runId, root)
    }
    offset += headBytes + body.byteLength
  }
  return { owner, roots: [...roots.values()], isTorn: offset < file.byteLength }
}

function rootIn(spooled: Buffer): EncodedSpan | undefined {
  const head = readHead(spooled)
  return head === undefined ? undefined : decodeBody(spooled.subarray(headBytes), head)?.[0]
}
