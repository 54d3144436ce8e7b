import { context, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  RunIdGenerator,
  RunRollupProcessor,
  endRun,
  joinRun,
  newRunId,
  recordLlmCall,
  startRun,
  wrapAgent,
} from '../../src/index.ts'
import { buildFamilies, type Family } from '../../src/query/family-tree.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { startReceiver, type Receiver } from '../../src/viewer/receiver/index.ts'
import { familiesText, lines } from './family-text.ts'

/** What is written, exported, received and read back: nothing here is made by hand. */
describe('buildFamilies, of what runs write', () => {
  let spans: StoredSpan[]
  let receiver: Receiver
  let provider: NodeTracerProvider

  beforeEach(async () => {
    spans = []
    receiver = await startReceiver({ onSpans: (received) => void spans.push(...received) })
    provider = new NodeTracerProvider({
      idGenerator: new RunIdGenerator(),
      spanProcessors: [
        new RunRollupProcessor({ prices: () => undefined }),
        new BatchSpanProcessor(new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })),
      ],
    })
    provider.register()
  })

  afterEach(async () => {
    trace.disable()
    context.disable()
    await receiver.close()
  })

  async function families(): Promise<readonly Family[]> {
    await provider.shutdown()
    return buildFamilies(spans)
  }

  it('finds linked, spawned and joined work, and counts each model call once', async () => {
    await wrapAgent('planner', async (run) => {
      call(1)
      await wrapAgent('executor', () => {
        call(10)
        joinRun(newRunId(), () => undefined)
      })
      joinRun(run.ref, () => call(100), { name: 'joined here' })
      const ref = run.spawn('writer', { goal: 'write' })
      run.spawn('reviewer')
      await wrapAgent('writer', () => call(1_000), { from: ref })
    })
    const [family] = (await families()).filter(({ root }) => root.agent === 'planner')
    // Runs that start within a millisecond have no order: the SDK knows no shorter time.
    expect(familiesText([family!]).split('\n').toSorted()).toEqual([
      '  executor 10',
      '  reviewer (spawned)',
      '  writer 1000',
      '= 1111',
      'planner 101',
    ])
    const { root, totals } = family!
    expect(totals).toMatchObject({ llmCalls: 4, unpricedCalls: 4, costNanoUsd: undefined, costSource: 'unpriced' })
    expect(root).toMatchObject({
      run: { gaps: ['elsewhere'], segments: [{ isLocal: true, totals: { inputTokens: 100 } }] },
    })
    expect(root.children.find(({ agent }) => agent === 'writer')).toMatchObject({
      goal: 'write',
      run: { isDetached: true, status: 'completed', gaps: [] },
    })
  })

  it('adds what a worker did that joined a run and then ended it, in the process that opened it', async () => {
    const run = startRun('import')
    run.with(() => call(1))
    const ref = run.handOff()
    joinRun(ref, () => call(10), { name: 'load rows' })
    endRun(ref)
    joinRun(ref, () => call(100), { name: 'clean up' })
    const [family] = await families()
    expect(familiesText([family!])).toBe(
      lines(`
        import 111
        = 111
      `),
    )
    expect(family!.root).toMatchObject({
      run: { ownTotals: { inputTokens: 1 }, segments: [{ isLocal: false }, { isLocal: false }] },
    })
  })

  it('adds what segments of one run did side by side in one process', async () => {
    const runId = newRunId()
    await Promise.all([1, 10].map((input) => joinRun(runId, async () => call(await Promise.resolve(input)))))
    expect(familiesText(await families())).toBe(
      lines(`
        ${runId.slice(0, 4)} (no root) 11
        = 11
      `),
    )
  })

  it('adds what came after the root', async () => {
    const finish: (() => void)[] = []
    const late = new Promise<void>((resolve) => finish.push(resolve))
    let working: Promise<void> | undefined
    await wrapAgent('hasty', (run) => {
      working = run.span('slow', async () => {
        await late
        call(5)
      })
    })
    finish[0]!()
    await working
    const [family] = await families()
    expect(family!.root).toMatchObject({
      run: { status: 'completed', openSpans: 0, totals: { inputTokens: 5, llmCalls: 1 } },
    })
  })
})

function call(inputTokens: number): void {
  recordLlmCall({ provider: 'test', model: 'scripted', inputTokens, outputTokens: 1 })
}
