import { describe, expect, it } from 'vitest'

import { SpanNames } from '../../src/run/span-names.ts'

describe('names of spans', () => {
  it('are the operation and its subject, whatever has been asked for before', () => {
    const names = new SpanNames('execute_tool')
    const subjects = ['search', 'fetch', 'search', '', '__proto__', '7', 'ö', 'x'.repeat(1000), 'search']
    expect(subjects.map((subject) => names.of(subject))).toEqual(subjects.map((subject) => `execute_tool ${subject}`))
  })

  it('are some text where the subject is none', () => {
    const names = new SpanNames('execute_tool')
    expect([null, undefined, 7].map((subject) => names.of(subject as never))).toEqual([
      'execute_tool null',
      'execute_tool undefined',
      'execute_tool 7',
    ])
  })

  it('are right for any number of subjects', () => {
    const names = new SpanNames('chat')
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 1000; index++) expect(names.of(`model ${index}`)).toBe(`chat model ${index}`)
    }
  })
})
