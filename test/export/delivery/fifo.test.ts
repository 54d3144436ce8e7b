import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Fifo } from '../../../src/export/delivery/fifo.ts'

describe('a queue', () => {
  it('gives back what it was given, in the same order, however the two take turns', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -300, max: 300 })), (turns) => {
        const queue = new Fifo<number>()
        const model: number[] = []
        const seen: (number | undefined)[] = []
        const expected: (number | undefined)[] = []
        let next = 0
        for (const turn of turns) {
          for (let count = 0; count < Math.abs(turn); count++) {
            if (turn > 0) {
              queue.push(next)
              model.push(next++)
            } else {
              seen.push(queue.head, queue.shift())
              expected.push(model[0], model.shift())
            }
            seen.push(queue.size)
            expected.push(model.length)
          }
        }
        expect(seen).toEqual(expected)
      }),
    )
  })
})
