import { describe, expect, it } from 'vitest'

import { createOtlpEncoder, type OtlpEncoderOptions } from '../../../src/export/otlp/create-otlp-encoder.ts'
import type { ExportableSpan } from '../../../src/export/otlp/exportable-span.ts'
import { canary, maxAttributeSizeBytes, piecesOf, secrets, spanWithSecrets } from './span-with-secrets.ts'

function request(span: ExportableSpan, options: OtlpEncoderOptions): string {
  const encoder = createOtlpEncoder(options)
  const bytes = Buffer.from(encoder.encodeRequest([encoder.encodeSpan(span)!]))
  // Bytes are in base64 where the encoding is JSON.
  const base64 = /"bytesValue":"([^"]*)"/.exec(bytes.toString())?.[1] ?? ''
  return bytes.toString() + Buffer.from(base64, 'base64').toString()
}

describe.each(['protobuf', 'json'] as const)('a span full of secrets, as %s', (encoding) => {
  it('holds them all where nothing is redacted', () => {
    const text = request(spanWithSecrets(), { encoding, redaction: false })
    expect(secrets.filter((secret) => !text.includes(secret))).toEqual([])
    expect(secrets).toHaveLength(20)
  })

  it.each([
    ['within its budgets', {}],
    ['cut through one of them', { maxAttributeSizeBytes }],
    ['cut to a twentieth', { maxSpanSizeBytes: 4096 }],
  ])('leaves without any piece of them, %s', (_title, budgets) => {
    const text = request(spanWithSecrets(), { encoding, ...budgets })
    expect(secrets.flatMap(piecesOf).filter((piece) => text.includes(piece))).toEqual([])
    expect(text).toContain('conversation-1')
    expect(text).toContain('[redacted')
  })

  it('is cut where a secret would be, were it not replaced first', () => {
    const text = request(spanWithSecrets(), { encoding, maxAttributeSizeBytes, redaction: false })
    const present = piecesOf(canary['across the cut']).filter((piece) => text.includes(piece))
    expect(present.length).toBeGreaterThan(0)
    expect(text).not.toContain(canary['across the cut'])
  })

  it('leaves for another destination as it was', () => {
    const span = spanWithSecrets()
    const whole = { encoding, redaction: false } as const
    const alone = request(span, whole)
    const encoder = createOtlpEncoder({ encoding, redaction: { content: 'off' }, maxSpanSizeBytes: 4096 })
    encoder.encodeRequest([encoder.encodeSpan(span)!])
    expect(request(span, whole)).toBe(alone)
  })

  it('loses its content, and keeps what it is found by, where content is off', () => {
    const text = request(spanWithSecrets(), { encoding, redaction: { content: 'off' } })
    expect(text).not.toContain('gen_ai.input.messages')
    expect(text).not.toContain('gen_ai.tool.call.arguments')
    expect(text).toContain('gen_ai.conversation.id')
    expect(text).toContain('url.full')
  })
})
