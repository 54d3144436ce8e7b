import { expect, it } from 'vitest'

import { listAt } from '../../src/query/attribute-values.ts'

it('reads a list as it was sent, and as a backend without lists gives it back', () => {
  expect(listAt({ ids: ['a', 'b'] }, 'ids')).toEqual(['a', 'b'])
  expect(listAt({ ids: '["a","b"]' }, 'ids')).toEqual(['a', 'b'])
  expect(listAt({ ids: '["a","b' }, 'ids')).toEqual([])
  expect(listAt({ ids: 'a' }, 'ids')).toEqual([])
  expect(listAt({}, 'ids')).toEqual([])
})
