import { SpanKind, context, trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { shared } from '../../src/run/shared.ts'
import { chat, emitSpans, startForeign, type ForeignSpan } from '../support/emit-spans.ts'
import { heapSlope, noSlope } from '../support/heap-slope.ts'
import { registerNullProvider } from '../support/null-provider.ts'

// Few ids of ended runs are remembered, so that a warm-up fills them.
const adopting = { adopt: 'agents', maxClosedRuns: 1000, prices: 'none' } as const
const size = { warmUp: 20_000, units: 40_000 }

const agent = { 'gen_ai.operation.name': 'invoke_agent' }
const request = (...below: readonly ForeignSpan[]): ForeignSpan => ({ name: 'GET', kind: SpanKind.SERVER, below })

const units: readonly (readonly [string, () => void])[] = [
  ['a trace without an agent', () => emitSpans([request({ name: 'step', below: [{ name: 'query' }] })])],
  ['a run that nobody wrapped', () => emitSpans([{ name: 'agent', attributes: agent, below: [chat(7, 3)] }])],
  ['an agent below a request', () => emitSpans([request({ name: 'agent', attributes: agent, below: [chat(7, 3)] })])],
  [
    'spans that never end, outside of runs and in an agent that has ended',
    () => {
      startForeign(request())
      const span = startForeign({ name: 'agent', attributes: agent })
      context.with(trace.setSpan(context.active(), span), () => void startForeign({ name: 'step' }))
      span.end()
    },
  ],
]

describe('at most one byte of heap is left of', () => {
  it.each(units)('%s', async (_what, unit) => {
    using _ = registerNullProvider(adopting)
    expect(await heapSlope(unit, size)).toBeLessThanOrEqual(noSlope)
    expect(shared().open.size).toBe(0)
  })
})
