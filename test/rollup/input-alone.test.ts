import type { Attributes } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { wrapAgent, type RollupOptions } from '../../src/index.ts'
import { emitSpans, operation } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const claude: Attributes = { 'gen_ai.request.model': 'claude-sonnet-4-5', 'gen_ai.provider.name': 'anthropic' }
const embedding: Attributes = { 'gen_ai.request.model': 'text-embedding-3-small', 'gen_ai.provider.name': 'openai' }
const input: Attributes = { 'gen_ai.usage.input_tokens': 352 }

async function totalsOf(name: string, attributes: Attributes, rollup?: RollupOptions): Promise<Attributes> {
  await using spans = recordSpans(rollup === undefined ? {} : { rollup })
  const { runId } = await wrapAgent('planner', () => emitSpans([operation(name, { attributes })]))
  return spans.root(runId).attributes
}

describe('a call that says its input alone', () => {
  it('costs its input, and is counted as a call whose cost is not all known', async () => {
    const expected = {
      'runspan.usage.input_tokens': 352,
      'runspan.cost.nano_usd': 1_056_000,
      'runspan.calls.unpriced': 1,
      'runspan.cost.unpriced_models': ['claude-sonnet-4-5'],
      'runspan.cost.source': 'mixed',
    }
    expect(await totalsOf('chat', { ...claude, ...input })).toMatchObject(expected)
    expect(await totalsOf('chat', { ...claude, ...input }, { detail: ['costs'] })).toMatchObject({
      ...expected,
      'runspan.cost.input.nano_usd': 1_056_000,
    })
  })

  it('is priced where it says that there was no output, or what it cost', async () => {
    const none = await totalsOf('chat', { ...claude, ...input, 'gen_ai.usage.output_tokens': 0 })
    expect(none).toMatchObject({ 'runspan.cost.nano_usd': 1_056_000, 'runspan.cost.source': 'priced' })
    expect(none).not.toHaveProperty('runspan.calls.unpriced')
    const reported = await totalsOf('chat', { ...claude, ...input, 'gen_ai.usage.cost': 0.002 })
    expect(reported).toMatchObject({ 'runspan.cost.nano_usd': 2_000_000, 'runspan.cost.source': 'reported' })
    expect(reported).not.toHaveProperty('runspan.calls.unpriced')
  })

  it('is priced where output costs nothing, whatever the span calls itself', async () => {
    for (const name of ['embeddings', 'chat']) {
      const totals = await totalsOf(name, { ...embedding, ...input })
      expect(totals).toMatchObject({ 'runspan.cost.nano_usd': 7040, 'runspan.cost.source': 'priced' })
      expect(totals).not.toHaveProperty('runspan.calls.unpriced')
    }
  })
})
