import { expect, vi } from 'vitest'

/** Resolves when something is so: answers take some turns of the event loop to arrive. Fails where it never is. */
export async function until(isMet: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(isMet()).toBe(true), { interval: 2, timeout: 15_000 })
}
