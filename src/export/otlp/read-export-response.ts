/** What a receiver said about a request that it took. */
export interface ExportResponse {
  /** Spans that it will not keep; they must not be sent again. */
  readonly rejectedSpans: number
  /** Why it rejected spans, or a warning where it rejected none. Empty without; at most 1 024 characters. */
  readonly errorMessage: string
}

const nothingSaid: ExportResponse = { rejectedSpans: 0, errorMessage: '' }
const maxMessageLength = 1024
const openingBrace = 0x7b

/**
 * Reads the body of an answer with status 2xx: an `ExportTraceServiceResponse` in either encoding. Anything else is
 * taken for a success without words, which is what proxies and simple receivers send.
 */
export function readExportResponse(body: Uint8Array): ExportResponse {
  try {
    return isJson(body) ? readJson(body) : readProtobuf(body)
  } catch {
    return nothingSaid
  }
}

/**
 * Reads the body of an answer with an error status: a `google.rpc.Status` in either encoding, or the text of a proxy.
 *
 * @returns the reason, at most 1 024 characters; empty where there is none
 */
export function readErrorMessage(body: Uint8Array): string {
  try {
    if (isJson(body)) return cut(textIn(JSON.parse(utf8(body)), 'message'))
    // A status begins with its code or its message; no text begins with these bytes.
    if (body[0] === 0x08 || body[0] === 0x12) {
      let message = ''
      readFields(body, (field, value) => {
        if (field === 2 && typeof value !== 'number') message = utf8(value)
      })
      return cut(message)
    }
  } catch {
    // Then it is text after all.
  }
  return cut(utf8(body.subarray(0, maxMessageLength * 4)).trim())
}

function readProtobuf(body: Uint8Array): ExportResponse {
  let rejectedSpans = 0
  let errorMessage = ''
  readFields(body, (field, partialSuccess) => {
    if (field !== 1 || typeof partialSuccess === 'number') return
    readFields(partialSuccess, (inner, value) => {
      if (inner === 1 && typeof value === 'number') rejectedSpans = value
      if (inner === 2 && typeof value !== 'number') errorMessage = utf8(value)
    })
  })
  return { rejectedSpans: countOf(rejectedSpans), errorMessage: cut(errorMessage) }
}

function readJson(body: Uint8Array): ExportResponse {
  const partialSuccess = memberOf(JSON.parse(utf8(body)), 'partialSuccess')
  // An int64 is a string in protobuf's JSON; not every receiver knows.
  const rejectedSpans = countOf(Number(memberOf(partialSuccess, 'rejectedSpans') ?? 0))
  return { rejectedSpans, errorMessage: cut(textIn(partialSuccess, 'errorMessage')) }
}

/** No protobuf message of OTLP begins with a brace: as a tag it would open a group. */
function isJson(body: Uint8Array): boolean {
  return body[0] === openingBrace
}

function countOf(number: number): number {
  return Number.isSafeInteger(number) && number > 0 ? number : 0
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function textIn(value: unknown, name: string): string {
  const text = memberOf(value, name)
  return typeof text === 'string' ? text : ''
}

function cut(text: string): string {
  return text.length > maxMessageLength ? `${text.slice(0, maxMessageLength - 1)}…` : text
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}

/**
 * Goes through the fields of a message: varints as numbers, what has a length as bytes, the rest skipped.
 *
 * @throws where the bytes are no message
 */
function readFields(bytes: Uint8Array, read: (field: number, value: number | Uint8Array) => void): void {
  let position = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; factor <= 2 ** 63; factor *= 0x80) {
      const byte = bytes[position++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new RangeError('the message is cut off')
  }
  while (position < bytes.length) {
    const tag = varint()
    const field = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0:
        read(field, varint())
        break
      case 1:
        position += 8
        break
      case 2: {
        const length = varint()
        if (position + length > bytes.length) throw new RangeError('the message is cut off')
        read(field, bytes.subarray(position, position + length))
        position += length
        break
      }
      case 5:
        position += 4
        break
      default:
        throw new RangeError('no such wire type')
    }
  }
}
