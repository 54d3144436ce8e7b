import { existsSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import type { EncodedSpan } from '../../../src/export/otlp/encoded-span.ts'
import { createOtlpEncoder } from '../../../src/export/otlp/create-otlp-encoder.ts'
import { LargeJobs } from '../../../src/export/otlp/large-jobs.ts'
import { measureText } from '../../../src/export/otlp/truncation-mark.ts'
import { Redaction } from '../../../src/export/redaction/redaction.ts'
import { decodeProtobuf } from '../../../src/viewer/receiver/decode-protobuf.ts'
import { fullSpan } from './full-span.ts'

const secret = 'sk-proj-abcdefghijklmnopqrstuvwxyz'
/** A text of about a megabyte with a secret that the cut goes through. */
const large = `${'word '.repeat(52_404)}${secret} ${'word '.repeat(150_000)}`
const { rules } = new Redaction()
const missing = () => new URL('./no-such-thread.js', import.meta.url)
/** The built one: Node 20 runs no TypeScript, and it is what applications get. */
const built = new URL('../../../dist/export/otlp/large-job-thread.js', import.meta.url)
if (!existsSync(built)) throw new Error('The package is not built, and its thread is tested: npm run build')

function valuesOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  return decodeProtobuf(bytes).spans[0]!.attributes
}

describe('an encoder that need not answer at once', () => {
  it('answers at once for ordinary spans', () => {
    const encoder = createOtlpEncoder()
    const encoded = encoder.encodeSpanAsync(fullSpan()) as EncodedSpan
    expect(Buffer.from(encoded.bytes).equals(encoder.encodeSpan(fullSpan())!.bytes)).toBe(true)
  })

  it('gives spans with large texts later, the same as it would have given at once', async () => {
    const encoder = createOtlpEncoder()
    const json = JSON.stringify([{ role: 'user', content: large, password: 'hunter2' }])
    const span = fullSpan({
      attributes: { large, json, small: 'here' },
      events: [{ name: 'exception', time: [1, 2], attributes: { 'exception.message': large } }],
      status: { code: 2, message: large },
    })
    const later = encoder.encodeSpanAsync(span)
    expect(later).toBeInstanceOf(Promise)
    const encoded = (await later)!
    const atOnce = encoder.encodeSpan(span)!
    expect(Buffer.from(encoded.bytes).equals(atOnce.bytes)).toBe(true)
    expect(encoded.truncatedCount).toBe(atOnce.truncatedCount)
    expect(encoded.truncatedCount).toBe(4)
    const text = Buffer.from(encoded.bytes).toString('latin1')
    expect(text).not.toContain(secret.slice(0, 12))
    expect(text).not.toContain('hunter2')
    expect(encoder.pendingSizeBytes).toBe(0)
  })

  it('asks the application about large texts on its own thread, after the rules and before the cut', async () => {
    const seen: number[] = []
    const encoder = createOtlpEncoder({
      redaction: {
        redact: (text, { key }) => {
          if (key !== 'large') return text
          seen.push(text.length)
          expect(text).not.toContain(secret)
          return text.replaceAll('word', 'WORD')
        },
      },
    })
    const { large: value } = valuesOf(
      encoder.encodeRequest([(await encoder.encodeSpanAsync(fullSpan({ attributes: { large } })))!]),
    )
    expect(seen).toEqual([large.length - secret.length + '[redacted:api_key]'.length])
    expect(value).toMatch(/^WORD .*…\[truncated/)
  })

  it('offers large texts to the place for them whole and redacted', async () => {
    let kept = ''
    const encoder = createOtlpEncoder({
      offload: (value) => {
        kept = value
        return 's3://content/1'
      },
    })
    const encoded = (await encoder.encodeSpanAsync(fullSpan({ attributes: { large } })))!
    expect(kept).toBe(large.replace(secret, '[redacted:api_key]'))
    const { sha256, sizeBytes } = measureText(kept)
    expect(JSON.parse(valuesOf(encoder.encodeRequest([encoded]))['large'] as string)).toEqual({
      _truncated: { original_bytes: sizeBytes, sha256, reference: 's3://content/1' },
    })
  })

  it('leaves texts whole that are large but in their budget', async () => {
    const encoder = createOtlpEncoder({ maxAttributeSizeBytes: 4_000_000, maxSpanSizeBytes: 4_000_000 })
    const text = 'ü'.repeat(400_000)
    const encoded = (await encoder.encodeSpanAsync(fullSpan({ attributes: { text } })))!
    expect(encoded.truncatedCount).toBe(0)
    expect(valuesOf(encoder.encodeRequest([encoded]))['text']).toBe(text)
  })
})

it('makes spans fit elsewhere that have many large values, the same as here', async () => {
  const json = JSON.stringify(Array.from({ length: 100 }, (_, index) => ({ index, text: 'words '.repeat(350) })))
  const attributes = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`value ${index}`, json]))
  for (const encoding of ['protobuf', 'json'] as const) {
    const encoder = createOtlpEncoder({ encoding })
    const later = encoder.encodeSpanAsync(fullSpan({ attributes }))
    expect(later).toBeInstanceOf(Promise)
    const encoded = (await later)!
    const atOnce = encoder.encodeSpan(fullSpan({ attributes }))!
    expect(encoded.bytes.length).toBeLessThanOrEqual(1_048_576)
    expect(encoded.bytes.length).toBeGreaterThan(900_000)
    expect(Buffer.from(encoded.bytes).equals(atOnce.bytes)).toBe(true)
    expect(encoded.truncatedCount).toBe(8)
  }
})

// On a Node that runs TypeScript: elsewhere the thread's file is not there beside its source.
it.runIf(process.features.typescript)(
  'looks elsewhere at values that are much only together, the same as here',
  async () => {
    const text = `${'some words '.repeat(9000)} sk-${'a1B2'.repeat(8)}`
    const attributes = Object.fromEntries(
      Array.from({ length: 6 }, (_, index) => [`value ${index}`, `${index}${text}`]),
    )
    const span = fullSpan({ attributes })
    for (const encoding of ['protobuf', 'json'] as const) {
      const encoder = createOtlpEncoder({ encoding })
      const later = encoder.encodeSpanAsync(span)
      expect(later).toBeInstanceOf(Promise)
      expect(encoder.pendingSizeBytes).toBeGreaterThan(4 * text.length)
      const encoded = (await later)!
      expect(Buffer.from(encoded.bytes).equals(encoder.encodeSpan(span)!.bytes)).toBe(true)
      expect(Buffer.from(encoded.bytes).includes('a1B2a1B2')).toBe(false)
      expect(encoder.pendingSizeBytes).toBe(0)
    }
  },
)

describe('the worker thread', () => {
  it('does jobs elsewhere, in order, and lets this thread go on', async () => {
    const jobs = new LargeJobs(built)
    const results = [1, 2, 3].map((number) => jobs.run({ text: `${number}${large}`, rules, maxSizeBytes: 1000 }))
    expect(jobs.pendingSizeBytes).toBe(3 * (large.length + 1) * 2)
    expect(jobs.runsHere).toBe(false)
    const done = await Promise.all(results)
    expect(done.map((result) => result?.text.slice(0, 5))).toEqual(['1word', '2word', '3word'])
    expect(jobs.runsHere).toBe(false)
    expect(jobs.pendingSizeBytes).toBe(0)
  })

  it.runIf(process.features.typescript)(
    'is found beside the file that starts it, on a Node that runs TypeScript',
    async () => {
      const jobs = new LargeJobs()
      expect((await jobs.run({ text: 'text', rules, maxSizeBytes: undefined }))?.text).toBe('text')
      expect(jobs.runsHere).toBe(false)
    },
  )

  it('is done without where it cannot be started', async () => {
    const jobs = new LargeJobs(missing())
    const result = await jobs.run({ text: large, rules, maxSizeBytes: 1000 })
    expect(result?.text).toMatch(/^word .*…\[truncated/)
    expect(jobs.runsHere).toBe(true)
    expect((await jobs.run({ text: 'again', rules: undefined, maxSizeBytes: undefined }))?.text).toBe('again')
    expect(jobs.pendingSizeBytes).toBe(0)
  })

  it('is given up for the one text that never comes to an end', async () => {
    const jobs = new LargeJobs(built, 500)
    const hanging = new Redaction({ patterns: [{ name: 'slow', pattern: /^(a+)+$/ }] })
    const [hung, next] = await Promise.all([
      jobs.run({ text: `${'a'.repeat(60)}!`, rules: hanging.rules, maxSizeBytes: 1000 }),
      jobs.run({ text: large, rules, maxSizeBytes: 1000 }),
    ])
    expect(hung).toBeUndefined()
    expect(next?.text).toMatch(/^word /)
    expect(jobs.pendingSizeBytes).toBe(0)
  })

  it('takes no more than it has room for; the rest leaves nothing', async () => {
    const jobs = new LargeJobs(missing())
    const text = 'x'.repeat(40 * 1024 * 1024)
    const results = [1, 2].map(() => jobs.run({ text, rules: undefined, maxSizeBytes: 1000 }))
    const [first, second] = await Promise.all(results)
    expect(first?.text).toMatch(/^x+…\[truncated original_bytes=41943040/)
    expect(second).toBeUndefined()
  })
})
