import { context, propagation, trace } from '@opentelemetry/api'
import { expect, it } from 'vitest'

import { propagationHeaders, recordLlmCall, tool, wrapAgent } from '../../src/index.ts'
import { buildFamilies, type Family } from '../../src/query/family-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { startReceiver } from '../../src/viewer/receiver/index.ts'
import { saysOpen } from '../support/says-open.ts'
import { exportSampledTo } from '../support/sampled-otlp-provider.ts'
import { runProcess } from '../support/spawn-process.ts'

/** A run that calls another service and starts another run, in two processes, as a reader finds it. */
async function readBack(isSampled: boolean): Promise<{ readonly family: Family; readonly spans: number }> {
  const spans: StoredSpan[] = []
  const receiver = await startReceiver({ onSpans: (received) => void spans.push(...received) })
  const provider = exportSampledTo(receiver.url, isSampled)
  try {
    await wrapAgent('planner', async () => {
      recordLlmCall({ model: 'm', provider: 'p', inputTokens: 100, outputTokens: 10, costUsd: 1 })
      tool('lookup', () => 'found')()
      await runProcess('sampled-part', { sink: receiver.url, headers: propagationHeaders(), isSampled })
      await wrapAgent('executor', () => recordLlmCall({ model: 'm', provider: 'p', inputTokens: 20, costUsd: 0.25 }))
    })
    await provider.shutdown()
  } finally {
    trace.disable()
    context.disable()
    propagation.disable()
    await receiver.close()
  }
  const families = buildFamilies(spans)
  expect(families).toHaveLength(1)
  return { family: families[0]!, spans: spans.filter(({ name }) => !saysOpen(name)).length }
}

it('what readers find of a family in two processes is the same when only its roots leave', async () => {
  const sampled = await readBack(true)
  const unsampled = await readBack(false)
  expect(sampled.family.totals).toMatchObject({ inputTokens: 128, llmCalls: 4, costNanoUsd: 1_750_000_000n })
  expect(unsampled.family.totals).toEqual(sampled.family.totals)
  expect(unsampled.family.runCount).toBe(sampled.family.runCount)
  // Two roots, the segment's root, and what amends that.
  expect([sampled.spans, unsampled.spans]).toEqual([10, 4])
})
