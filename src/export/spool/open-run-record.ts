import { crc32 } from 'node:zlib'

import type { EncodedSpan } from '../otlp/encoded-span.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { encodeFrame, headBytes, readFrameHead } from './record-frame.ts'
import { decodeBody, encodeRecord, readHead } from './spool-record.ts'

/**
 * A record of a file of open runs: a head that says what it is, then a body.
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
  return encodeFrame(mark, kinds.owner, [Buffer.from(JSON.stringify(owner ?? null))])
}

export function openRecord(runId: string, root: EncodedSpan): Buffer {
  return encodeFrame(mark, kinds.open, [Buffer.from(runId), encodeRecord([root])])
}

export function leftRecord(runId: string): Buffer {
  return encodeFrame(mark, kinds.left, [Buffer.from(runId)])
}

/** Reads a file of open runs, as far as it goes. */
export function readOpenRuns(file: Buffer): OpenRunRecords {
  let owner: ProcessIdentity | undefined
  const roots = new Map<string, EncodedSpan>()
  let offset = 0
  while (offset < file.byteLength) {
    const head = readFrameHead(file.subarray(offset), mark)
    if (head === undefined) break
    const body = file.subarray(offset + headBytes, offset + headBytes + head.bodyBytes)
    if (body.byteLength !== head.bodyBytes || crc32(body) !== head.checksum) break
    const kind = head.detail
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
