import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { afterEach, describe, expect, it } from 'vitest'

import { RunIdGenerator, RunRollupProcessor, tool, wrapAgent } from '../../src/index.ts'
import { createMemoryReader } from '../../src/query/readers/memory.ts'
import { startReceiver } from '../../src/viewer/receiver/index.ts'
import { idOf, root, span } from './stored-spans.ts'

describe('late spans', () => {
  afterEach(() => trace.disable())

  // One run in twenty has a child that ends up to a millisecond after its root, by the SDK's clocks.
  it('are none where a run awaited all of its work, whatever the clocks of the SDK say', async () => {
    const reader = createMemoryReader()
    await using receiver = await startReceiver({ onSpans: (spans) => reader.write(spans) })
    const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
    const provider = new NodeTracerProvider({
      idGenerator: new RunIdGenerator(),
      spanProcessors: [new RunRollupProcessor(), new BatchSpanProcessor(exporter)],
    })
    provider.register()
    const look = tool('look', async (question: string) => question.length)
    const runs = 200
    for (let at = 0; at < runs; at++) await wrapAgent('planner', () => look('where?'))
    await provider.shutdown()
    const { items } = await reader.listRuns({}, { limit: runs })
    expect(items).toHaveLength(runs)
    // A machine that is busy with other work may pause for longer, once; without any allowance it is a dozen.
    expect(items.filter(({ flags }) => flags.length > 0).length).toBeLessThanOrEqual(2)
  })

  it.each([
    ['ten milliseconds', 110, []],
    ['more than that', 111, ['late_spans']],
  ])('end after the root by more than clocks differ: %s', async (_, to, flags) => {
    const top = root(idOf('a1'), { from: 0, to: 100 })
    const reader = createMemoryReader([top, span(idOf('a1'), { parentSpanId: top.spanId, from: 10, to })])
    expect((await reader.getRun(idOf('a1')))?.flags).toEqual(flags)
  })

  it('are told from drift in a run of hours', async () => {
    const hour = 3_600_000
    const top = root(idOf('a1'), { from: 0, to: hour })
    const flagsAt = async (to: number): Promise<readonly string[]> => {
      const reader = createMemoryReader([top, span(idOf('a1'), { parentSpanId: top.spanId, from: 10, to })])
      return (await reader.getRun(idOf('a1')))!.flags
    }
    expect(await flagsAt(hour + 300)).toEqual([])
    expect(await flagsAt(hour + 400)).toEqual(['late_spans'])
  })
})
