import { context, trace, type Attributes, type Context, type Span } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { wrapAgent } from '../../src/index.ts'
import { chat, startForeign } from '../support/emit-spans.ts'
import { recordSpans } from '../support/record-spans.ts'

const model = { 'gen_ai.request.model': 'claude-sonnet-4-5', 'gen_ai.provider.name': 'anthropic' }
const cached = { ...model, 'gen_ai.usage.cache_creation.input_tokens': 360 }
const kept = { ...cached, 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens': 360 }
const priority = { ...cached, 'runspan.call.service_tier': 'priority' }

const answered = (said: Attributes, id: string): Attributes => ({ ...said, 'gen_ai.response.id': id })

interface Nested {
  readonly said: Attributes
  /** @defaultValue 400 */
  readonly input?: number
}

/** Orders in which three spans inside each other end; the innermost is 2. */
const orders = [
  [2, 1, 0],
  [0, 1, 2],
  [1, 2, 0],
  [0, 2, 1],
  [2, 0, 1],
  [1, 0, 2],
] as const

/** The totals of a run with calls inside each other, and its late spans added; the outermost first. */
async function totalsOf(calls: readonly Nested[], order: readonly number[]): Promise<object> {
  await using spans = recordSpans()
  const { runId } = await wrapAgent('planner', () => {
    const open: Span[] = []
    let around: Context = context.active()
    for (const { said, input = 400 } of calls) {
      const span = startForeign(chat(input, 9, { attributes: said }), around)
      open.push(span)
      around = trace.setSpan(around, span)
    }
    for (const index of order) open[index]?.end()
  })
  const { attributes } = spans.root(runId)
  return {
    calls: attributes['runspan.calls.llm'],
    input: attributes['runspan.usage.input_tokens'],
    written: attributes['runspan.usage.cache_write.input_tokens'],
    nanoUsd: attributes['runspan.cost.nano_usd'],
    unpriced: attributes['runspan.calls.unpriced'],
    suppressed: attributes['runspan.rollup.suppressed_spans'],
  }
}

const fiveMinutes = 40 * 3000 + 360 * 3750 + 9 * 15_000
const oneHour = 40 * 3000 + 360 * 6000 + 9 * 15_000

describe.each(orders.map((order) => ({ order })))(
  'calls inside each other that end in the order $order',
  ({ order }) => {
    it('have the numbers of the one that tells most, whichever that is', async () => {
      const expected = { calls: 1, input: 400, written: 360, nanoUsd: oneHour, suppressed: 2 }
      for (const at of [0, 1, 2]) {
        const calls = [model, cached, cached].map((said) => ({ said }))
        calls[at] = { said: kept }
        expect(await totalsOf(calls, order)).toMatchObject(expected)
      }
      const without = [model, cached, cached].map((said) => ({ said }))
      expect(await totalsOf(without, order)).toMatchObject({ ...expected, nanoUsd: fiveMinutes })
    })

    it('are the outermost’s where those inside are of another size or another model', async () => {
      const poor = { said: model }
      expect(await totalsOf([poor, { said: kept, input: 401 }, poor], order)).toMatchObject({
        nanoUsd: 400 * 3000 + 9 * 15_000,
        written: undefined,
      })
      const other = { said: { ...kept, 'gen_ai.request.model': 'claude-opus-4-5' } }
      expect(await totalsOf([poor, other, poor], order)).toMatchObject({ nanoUsd: 400 * 3000 + 9 * 15_000 })
    })

    it('are what the id of the answer says, whatever else they say', async () => {
      const outer = { said: answered(model, 'a'), input: 40 }
      const inner = { said: answered(kept, 'a') }
      expect(await totalsOf([outer, inner], order)).toMatchObject({ calls: 1, input: 400, nanoUsd: oneHour })
      const other = [{ said: answered(model, 'a') }, { said: answered(kept, 'b') }]
      expect(await totalsOf(other, order)).toMatchObject({ input: 400, nanoUsd: 400 * 3000 + 9 * 15_000 })
    })

    it('cost what one of them reports, and else what is known of the one that tells most', async () => {
      const reported = { ...model, 'gen_ai.usage.cost': 0.5 }
      expect(await totalsOf([{ said: kept }, { said: model }, { said: reported }], order)).toMatchObject({
        nanoUsd: 500_000_000,
        written: 360,
      })
      // Nobody has a price for that tier, be it that the others know nothing of it.
      expect(await totalsOf([{ said: cached }, { said: priority }, { said: cached }], order)).toMatchObject({
        nanoUsd: undefined,
        unpriced: 1,
      })
      expect(await totalsOf([{ said: {} }, { said: model }, { said: {} }], order)).toMatchObject({
        nanoUsd: 400 * 3000 + 9 * 15_000,
        unpriced: undefined,
      })
    })
  },
)
