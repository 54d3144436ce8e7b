import { describe, expect, it } from 'vitest'

import { RecentKeys } from '../../src/internal/recent-keys.ts'
import { randomHex32 } from '../../src/internal/random-hex.ts'

describe('recent keys', () => {
  it('are the newest ids, and no others', () => {
    const keys = new RecentKeys(100)
    const ids = Array.from({ length: 1000 }, randomHex32)
    for (const id of ids) keys.add(id)
    expect(ids.filter((id) => keys.has(id))).toEqual(ids.slice(-100))
    expect(Array.from({ length: 10_000 }, randomHex32).filter((id) => keys.has(id))).toEqual([])
  })

  it('are found between additions, and stay newest when they are added again', () => {
    const keys = new RecentKeys(2)
    const [first, second, third] = [randomHex32(), randomHex32(), randomHex32()] as const
    keys.add(first)
    expect(keys.has(first)).toBe(true)
    keys.add(second)
    keys.add(first)
    keys.add(third)
    expect([first, second, third].map((id) => keys.has(id))).toEqual([true, false, true])
  })

  it('differ where any digit differs', () => {
    const id = '0123456789abcdef0123456789abcdef'
    const keys = new RecentKeys(10)
    keys.add(id)
    for (let at = 0; at < 32; at++) {
      for (const digit of '0123456789abcdef') {
        const other = id.slice(0, at) + digit + id.slice(at + 1)
        expect(keys.has(other)).toBe(other === id)
      }
    }
  })

  it('may be short texts', () => {
    const keys = new RecentKeys(10)
    keys.add('a1')
    expect([keys.has('a1'), keys.has('a2'), keys.has('')]).toEqual([true, false, false])
  })
})
