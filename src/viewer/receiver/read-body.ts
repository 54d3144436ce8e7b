import type { IncomingMessage } from 'node:http'
import { PassThrough, type Transform } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGunzip, createInflate } from 'node:zlib'

import type { ByteBudget } from './byte-budget.ts'
import { Refusal } from './refusal.ts'

/** How much a body may take. */
export interface BodyLimits {
  /** Of one body, after decompression. */
  readonly maxBodyBytes: number
  /** Of all bodies in flight. */
  readonly budget: ByteBudget
}

/** A body that has been read, and holds a part of the budget. */
export interface Body {
  readonly bytes: Uint8Array
  /** Gives the bytes back to the budget. Called once nothing needs them any more. */
  release(): void
}

/**
 * Reads and decompresses a body piece by piece, so that one which is too large is found out before it is in memory.
 *
 * @throws {@link Refusal} 400, 413, 415, or 503 where other requests hold all the bytes there are
 */
export async function readBody(request: IncomingMessage, { maxBodyBytes, budget }: BodyLimits): Promise<Body> {
  const decoder = decoderOf(request.headers['content-encoding'])
  const chunks: Buffer[] = []
  let sizeBytes = 0
  const release = (): void => budget.give(sizeBytes)
  // `pipe` passes no failure on: a client that went away would leave the decoder waiting for ever.
  request.once('error', (error) => decoder.destroy(error))
  request.pipe(decoder)
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      if (sizeBytes + chunk.length > maxBodyBytes) {
        throw new Refusal(
          413,
          `A request may have at most ${maxBodyBytes} bytes after decompression. Send less at once.`,
        )
      }
      if (!budget.take(chunk.length)) throw new Refusal(503, 'Too many requests at once. Try again later.')
      sizeBytes += chunk.length
      chunks.push(chunk)
    }
  } catch (error) {
    release()
    throw error instanceof Refusal
      ? error
      : new Refusal(400, 'The body is cut off, or not compressed as it says.', { cause: error })
  }
  return { bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, sizeBytes), release }
}

/**
 * Reads what is left of a body and throws it away. A connection that is closed on unread bytes is reset, and the client
 * would see the reset instead of the answer. The server's own limit on the time of a request bounds it.
 */
export async function drain(request: IncomingMessage): Promise<void> {
  request.unpipe()
  request.resume()
  // A client that went away needs no answer.
  await finished(request, { writable: false }).catch(() => undefined)
}

function decoderOf(encoding: string | undefined): Transform {
  switch (encoding?.trim().toLowerCase() ?? '') {
    case '':
    case 'identity':
      return new PassThrough()
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    default:
      throw new Refusal(415, 'The content encoding is not supported. Use gzip, deflate or identity.')
  }
}
