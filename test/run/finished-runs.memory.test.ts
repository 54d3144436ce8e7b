import { trace } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { endRun, joinRun, llm, startRun, tool, withSpan, wrapAgent } from '../../src/index.ts'
import { shared } from '../../src/run/shared.ts'
import { heapSlope, noSlope } from '../support/heap-slope.ts'
import { registerNullProvider } from '../support/null-provider.ts'

// Few ids of ended runs are remembered, so that a warm-up fills them.
const bounds = { maxClosedRuns: 1000, prices: 'none' } as const
const size = { warmUp: 20_000, units: 40_000 }

const ask = llm('answer', () => ({ usage: { prompt_tokens: 100, completion_tokens: 20 } }), {
  model: 'some-model',
  provider: 'somebody',
})
const search = tool('search', (text: string) => text.length)

const units: readonly (readonly [string, (index: number) => unknown])[] = [
  [
    'a run with a model call and a tool call',
    () =>
      wrapAgent('planner', () => {
        ask()
        return search('otel')
      }),
  ],
  [
    'a run that fails',
    (index) =>
      wrapAgent('planner', () => {
        throw new Error(`failure ${index}`)
      }).catch(() => {}),
  ],
  ['a run inside a run', () => wrapAgent('planner', () => wrapAgent('executor', async () => ask()))],
  [
    'a run ended by its id',
    () => {
      const run = startRun('import', { conversationId: 'c-1' })
      run.with(() => withSpan('step', () => ask(), { type: 'agent' }))
      return endRun(run.runId)
    },
  ],
  [
    'a run with a joined part, whose end is awaited',
    async () => {
      const { ended } = await wrapAgent('planner', (run) => joinRun(run.ref, () => ask(), { name: 'part' }))
      return ended
    },
  ],
  ['a part of a run that is owned elsewhere', (index) => joinRun(runIdOf(index), () => ask(), { name: 'part' })],
  [
    'a run with a span that ends late',
    async () => {
      const { result } = await wrapAgent('planner', () => [trace.getTracer('late').startSpan('late')])
      result[0]!.end()
    },
  ],
  [
    'a run with spans that never end',
    async () => {
      const { result } = await wrapAgent('planner', () =>
        ['a', 'b'].map((name) => trace.getTracer('never').startSpan(name)),
      )
      result[0]!.end()
    },
  ],
  ['a run that was handed off', () => startRun('import').handOff()],
  ['a child that was spawned', () => wrapAgent('planner', (run) => run.spawn('child').runId)],
]

function runIdOf(index: number): string {
  return (index + 1).toString(16).padStart(16, '1').padStart(32, 'a')
}

describe('at most one byte of heap is left of', () => {
  it.each(units)('%s', async (_what, unit) => {
    using _ = registerNullProvider(bounds)
    expect(await heapSlope(unit, size)).toBeLessThanOrEqual(noSlope)
    expect(shared().open.size).toBe(0)
  })
})

describe('the measurement', () => {
  it('finds one id that is kept per run', async () => {
    using _ = registerNullProvider(bounds)
    const kept = new Set<string>()
    const unit = (): unknown => wrapAgent('planner', (run) => kept.add(run.runId))
    expect(await heapSlope(unit, size)).toBeGreaterThan(16)
    expect(kept.size).toBeGreaterThan(size.units)
  })
})
