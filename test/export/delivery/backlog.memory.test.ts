import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { startCollector } from '../../support/scripted-collector.ts'
import { deliver } from './ended-spans.ts'

const MiB = 1024 * 1024

beforeEach(() => void vi.spyOn(process, 'emitWarning').mockImplementation(() => {}))
afterEach(() => void vi.restoreAllMocks())

/** Everything that this process holds: objects, and bytes beside the heap. */
async function heldBytes(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
    globalThis.gc!()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

describe('memory', () => {
  it('held for a collector that takes nothing stays within maxQueueSizeBytes, and comes back', async () => {
    const maxQueueSizeBytes = 32 * MiB
    await using collector = await startCollector(() => 503)
    const delivering = deliver({ url: collector.url, maxQueueSizeBytes, flushTimeoutMillis: 100 })
    const endSpans = (count: number): void => {
      for (let index = 0; index < count; index++) {
        delivering.endWith(`span ${index}`, {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': 'gpt-4.1-mini',
          'gen_ai.response.model': 'gpt-4.1-mini-2025-04-14',
          'gen_ai.usage.input_tokens': 812,
          'gen_ai.usage.output_tokens': 64,
        })
      }
    }
    endSpans(2000)
    await delivering.processor.flush()
    const before = await heldBytes()
    endSpans(200_000)
    await delivering.processor.flush()
    collector.requests.length = 0
    const full = await heldBytes()
    const { queuedSpans, queuedBytes, droppedSpans } = delivering.stats()
    console.log(
      `${queuedSpans} spans wait, ${(queuedBytes / MiB).toFixed(1)} MiB by the account, ${((full - before) / MiB).toFixed(1)} MiB held`,
    )
    expect(droppedSpans.queue_full).toBeGreaterThan(50_000)
    expect(queuedBytes).toBeGreaterThan(0.95 * maxQueueSizeBytes)
    expect(queuedBytes).toBeLessThanOrEqual(maxQueueSizeBytes)
    // The account is honest: what is held is what it says, give or take what the engine keeps for itself.
    expect(full - before).toBeLessThan(1.1 * maxQueueSizeBytes)

    endSpans(200_000)
    await delivering.processor.flush()
    collector.requests.length = 0
    expect((await heldBytes()) - full).toBeLessThan(2 * MiB)
    collector.script = () => 200
    await vi.waitFor(() => expect(delivering.stats().queuedSpans).toBe(0), { timeout: 60_000, interval: 50 })
    collector.requests.length = 0
    collector.kept.length = 0
    expect((await heldBytes()) - before).toBeLessThan(4 * MiB)
    await delivering.processor.shutdown()
  })
})
