import { createHash } from 'node:crypto'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { shrinkText } from '../../../src/export/otlp/shrink-text.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const sizeOf = (text: string) => Buffer.byteLength(text)
const limit = fc.integer({ min: 256, max: 3000 })

describe('a text that is too large', () => {
  it('keeps its beginning and says how large it was', () => {
    const text = 'a word and '.repeat(1000)
    const short = shrinkText(text, 500)
    expect(short).toMatch(/^(a word and )+/)
    expect(short.endsWith(`…[truncated original_bytes=11000 sha256=${sha256(text)}]`)).toBe(true)
    expect(sizeOf(short)).toBe(500)
  })

  it('is cut between characters, whichever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 300, maxLength: 4000 }), limit, (text, maxSizeBytes) => {
        const short = shrinkText(text, maxSizeBytes)
        expect(sizeOf(short)).toBeLessThanOrEqual(Math.max(maxSizeBytes, 0))
        expect(Buffer.from(short).toString()).toBe(short)
        const [start] = short.split('…[truncated')
        expect(text.startsWith(start!)).toBe(true)
      }),
    )
  })

  it('says of what it was at first when it is cut again', () => {
    const text = 'x'.repeat(9000)
    const json = JSON.stringify([
      { role: 'user', content: 'y'.repeat(9000) },
      { role: 'user', content: 'z'.repeat(500) },
    ])
    expect(shrinkText(shrinkText(text, 3000), 400)).toMatch(
      new RegExp(`^x+…\\[truncated original_bytes=9000 sha256=${sha256(text)}\\]$`),
    )
    const twice = JSON.parse(shrinkText(shrinkText(json, 3000), 700)) as readonly object[]
    expect(twice).toHaveLength(3)
    expect(twice[2]).toEqual({ _truncated: { original_bytes: sizeOf(json), sha256: sha256(json) } })
  })

  it('stays as it is where it fits', () => {
    expect(shrinkText('ü'.repeat(128), 256)).toBe('ü'.repeat(128))
    expect(shrinkText('ü'.repeat(129), 256)).not.toBe('ü'.repeat(129))
  })
})

describe('JSON that is too large', () => {
  it('keeps its shape and its short texts; its longest texts pay', () => {
    const messages = [
      { role: 'system', parts: [{ type: 'text', content: 'be brief' }] },
      { role: 'user', parts: [{ type: 'text', content: 'why? '.repeat(2000) }] },
      { role: 'assistant', parts: [{ type: 'text', content: 'because '.repeat(60) }] },
    ]
    const text = JSON.stringify(messages)
    const short = JSON.parse(shrinkText(text, 2000)) as typeof messages
    expect(short[0]).toEqual(messages[0])
    expect(short[2]).toEqual(messages[2])
    expect(short[1]!.parts[0]!.content).toMatch(/^(why\? )+\w*\??…$/)
    expect(short[3]).toEqual({ _truncated: { original_bytes: sizeOf(text), sha256: sha256(text) } })
  })

  it('says so in a member where it is an object', () => {
    const text = JSON.stringify({ query: 'q', document: '"\n'.repeat(3000), _truncated: 'a name of somebody else' })
    const short = JSON.parse(shrinkText(text, 1000)) as Record<string, unknown>
    expect(short['query']).toBe('q')
    expect(short['_truncated']).toEqual({ original_bytes: sizeOf(text), sha256: sha256(text) })
  })

  it('loses the middle of a long list, and keeps its ends', () => {
    const text = JSON.stringify(Array.from({ length: 5000 }, (_, index) => index))
    const short = JSON.parse(shrinkText(text, 600)) as readonly unknown[]
    expect(short.slice(0, 3)).toEqual([0, 1, 2])
    expect(short.slice(-3)).toEqual([
      4998,
      4999,
      { _truncated: { original_bytes: sizeOf(text), sha256: sha256(text) } },
    ])
  })

  it('is its own beginning where nothing else fits', () => {
    const text = JSON.stringify(
      Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`name ${index}`, index])),
    )
    const short = JSON.parse(shrinkText(text, 600)) as Readonly<Record<'_truncated', Readonly<Record<string, unknown>>>>
    const { _truncated: mark } = short
    expect(mark).toMatchObject({ original_bytes: sizeOf(text), sha256: sha256(text) })
    expect(text.startsWith(mark['start'] as string)).toBe(true)
    expect(sizeOf(JSON.stringify(short))).toBeGreaterThan(400)
  })

  it('is JSON afterwards and fits, whatever it was', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 5, stringUnit: 'grapheme' }),
        fc.nat({ max: 40 }),
        limit,
        (json, times, maxSizeBytes) => {
          const text = JSON.stringify(Array.from({ length: times + 1 }, () => JSON.parse(json) as unknown))
          const short = shrinkText(text, maxSizeBytes)
          expect(sizeOf(short)).toBeLessThanOrEqual(maxSizeBytes)
          expect(() => JSON.parse(short) as unknown).not.toThrow()
        },
      ),
    )
  })

  it('is cut where it is nested deeper than the stack', () => {
    const text = '['.repeat(50_000) + ']'.repeat(50_000)
    const short = shrinkText(text, 600)
    expect(sizeOf(short)).toBeLessThanOrEqual(600)
    expect(JSON.parse(short)).toHaveProperty('_truncated.original_bytes', 100_000)
  })

  it('is a text where it only looks like JSON', () => {
    expect(shrinkText(`[1, 2, ${'three '.repeat(1000)}]`, 500)).toMatch(/^\[1, 2, .*…\[truncated original_bytes=\d+/)
  })
})
