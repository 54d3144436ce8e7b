import type { EncodedSpan } from './encoded-span.ts'
import { groupSpans } from './span-groups.ts'

/** An `ExportTraceServiceRequest` in protobuf's JSON, of spans that are encoded already. */
export function jsonRequest(spans: readonly EncodedSpan[]): Uint8Array {
  return Buffer.concat(pieces(spans))
}

/** How long {@link jsonRequest} is, in bytes. */
export function jsonRequestSize(spans: readonly EncodedSpan[]): number {
  return pieces(spans).reduce((sum, piece) => sum + piece.length, 0)
}

const opening = Buffer.from('{"resourceSpans":[')
const closing = Buffer.from(']}')
const comma = Buffer.from(',')

function pieces(spans: readonly EncodedSpan[]): readonly Uint8Array[] {
  const result: Uint8Array[] = [opening]
  const text = (json: string): number => result.push(Buffer.from(json))
  let isFirstResource = true
  for (const [resource, scopes] of groupSpans(spans)) {
    if (!isFirstResource) result.push(comma)
    isFirstResource = false
    text('{"resource":')
    result.push(resource.bytes)
    text(',"scopeSpans":[')
    let isFirstScope = true
    for (const [scope, members] of scopes) {
      if (!isFirstScope) result.push(comma)
      isFirstScope = false
      text('{"scope":')
      result.push(scope.bytes)
      text(',"spans":[')
      for (let index = 0; index < members.length; index++) {
        if (index > 0) result.push(comma)
        result.push(members[index]!.bytes)
      }
      text(`]${schemaUrlJson(scope.schemaUrl)}}`)
    }
    text(`]${schemaUrlJson(resource.schemaUrl)}}`)
  }
  result.push(closing)
  return result
}

function schemaUrlJson(schemaUrl: string): string {
  return schemaUrl === '' ? '' : `,"schemaUrl":${JSON.stringify(schemaUrl)}`
}
