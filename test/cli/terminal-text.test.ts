import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { oneLine, pad, truncate, widthOf } from '../../src/cli/terminal-text.ts'

describe('oneLine', () => {
  it('takes out everything that moves the cursor, changes colours or turns the text around', () => {
    expect(oneLine('a\u001b[31mb\r\nc\td\u0007')).toBe('a [31mb c d')
    expect(oneLine('safe\u202efdp.exe')).toBe('safe fdp.exe')
    expect(oneLine('\u009b2Jx')).toBe('2Jx')
  })

  it('leaves letters and emoji alone', () => {
    expect(oneLine('Größe 日本 👩\u200d💻')).toBe('Größe 日本 👩\u200d💻')
  })
})

describe('widthOf', () => {
  it('counts columns, not code units', () => {
    expect(widthOf('abc')).toBe(3)
    expect(widthOf('é')).toBe(1)
    expect(widthOf('e\u0301')).toBe(1)
    expect(widthOf('日本')).toBe(4)
    expect(widthOf('👩\u200d💻')).toBe(2)
    expect(widthOf('├─ ')).toBe(3)
  })
})

describe('truncate', () => {
  it('says where it cut', () => {
    expect(truncate('abcdef', 6)).toBe('abcdef')
    expect(truncate('abcdef', 5)).toBe('abcd…')
    expect(truncate('ab cdef', 4)).toBe('ab…')
    expect(truncate('日本語', 5)).toBe('日本…')
    expect(truncate('日本語', 4)).toBe('日…')
    expect(truncate('abc', 0)).toBe('')
  })

  it('never takes more columns than it was given, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, width) => {
        expect(widthOf(truncate(text, width))).toBeLessThanOrEqual(width)
        expect(widthOf(pad(truncate(text, width), width, 'left'))).toBe(width)
      }),
    )
  })
})
