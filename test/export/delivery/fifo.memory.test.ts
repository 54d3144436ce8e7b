import { describe, expect, it } from 'vitest'

import { Fifo } from '../../../src/export/delivery/fifo.ts'

/** How many are still in memory. */
async function alive(items: readonly WeakRef<object>[]): Promise<number> {
  // What a weak reference was made of or read in a turn of the event loop stays until its end.
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc!()
  return items.filter((item) => item.deref() !== undefined).length
}

describe('a queue that is never empty', () => {
  it('holds what waits and nothing that has left', async () => {
    const queue = new Fifo<object>()
    const items: WeakRef<object>[] = []
    const push = (): void => {
      const item = { text: 'x'.repeat(100) }
      items.push(new WeakRef(item))
      queue.push(item)
    }
    for (let index = 0; index < 50; index++) push()
    expect(await alive(items)).toBe(50)
    for (let index = 0; index < 40; index++) queue.shift()
    expect(await alive(items)).toBe(10)
    for (let index = 0; index < 5000; index++) {
      push()
      queue.shift()
    }
    expect(await alive(items)).toBe(10)
    expect(queue.size).toBe(10)
  })
})
