import { createTraceState } from '@opentelemetry/api'
import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, type Sampler } from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { RunSampler, joinRun, propagationHeaders, startRun, type RunRef } from '../../src/index.ts'
import { randomnessOf, randomnessOfTraceId, thresholdOf, withRandomness } from '../../src/sampling/ot-trace-state.ts'
import { recordSpans } from '../support/record-spans.ts'
import { SampledProcess } from '../support/sampled-process.ts'
import { spawnProcess } from '../support/spawn-process.ts'

interface Family {
  readonly headers: readonly Record<string, string>[]
  readonly spawned: RunRef
  /** Whether this process kept the parent, and the child. */
  readonly kept: readonly boolean[]
}

/** A run that starts another one, and spawns a third elsewhere; both call another service. */
function startFamily(here: SampledProcess): Family {
  const parent = startRun('parent', { tracer: here.tracer })
  const spawned = JSON.parse(JSON.stringify(parent.spawn('spawned'))) as RunRef
  const ofParent = parent.with(propagationHeaders)
  const child = parent.with(() => startRun('child', { tracer: here.tracer }))
  const ofChild = child.with(propagationHeaders)
  child.end()
  parent.end()
  const kept = [parent, child].map(({ runId }) => here.exportedNames(runId).length > 0)
  return { headers: [ofParent, ofChild], spawned, kept }
}

/** Per family, whether each of its parts was kept: parent, child, the segments of both elsewhere, the spawned run. */
async function fates(shares: boolean): Promise<readonly (readonly boolean[])[]> {
  const here = new SampledProcess({
    sampler: new RunSampler(new AlwaysOffSampler(), { families: shares, ratio: 0.5 }),
  })
  const families = Array.from({ length: 40 }, () => startFamily(here))
  await using peer = spawnProcess('sampling-peer', { families, shares })
  const there = await peer.message<boolean[][]>()
  return families.map(({ kept }, index) => [...kept, ...there[index]!])
}

describe('a family', () => {
  it('is kept or dropped as a whole, in every process', async () => {
    await using registered = recordSpans()
    const all = await fates(true)
    for (const family of all) expect(new Set(family).size, String(family)).toBe(1)
    const kept = all.filter((family) => family[0]).length
    expect(kept).toBeGreaterThan(5)
    expect(kept).toBeLessThan(35)
    expect(registered.all).toEqual([])
  })

  it('would be torn apart without its randomness in tracestate', async () => {
    await using registered = recordSpans()
    const all = await fates(false)
    expect(all.some((family) => new Set(family).size > 1)).toBe(true)
    expect(registered.all).toEqual([])
  })

  it('is sampled by its ratio whatever the sampler inside says of its runs, and other spans as that says', async () => {
    await using registered = recordSpans()
    for (const [ratio, inner, expected] of [
      [1, new AlwaysOffSampler(), [1, 1, 0]],
      [0, new AlwaysOnSampler(), [0, 0, 1]],
    ] as const) {
      const { tracer } = new SampledProcess({ sampler: new RunSampler(inner, { ratio }) })
      const first = startRun('first', { tracer })
      const second = startRun('second', { tracer, parentRunId: first.runId })
      const other = tracer.startSpan('GET /health')
      const flags = [first.ref.traceparent, second.ref.traceparent].map((header) => Number(header.slice(-2)))
      expect([...flags, other.spanContext().traceFlags]).toEqual(expected)
      second.end()
      first.end()
    }
    expect(registered.all).toEqual([])
  })

  it('keeps a segment that its caller has sampled, whatever the ratio here', async () => {
    await using registered = recordSpans({
      sampler: new RunSampler(new ParentBasedSampler({ root: new AlwaysOffSampler() }), { ratio: 0 }),
    })
    const caller = new SampledProcess()
    const run = startRun('planner', { tracer: caller.tracer })
    const { ref } = run
    run.end()
    joinRun(ref, () => {}, { name: 'part' })
    expect(registered.all.map(({ name }) => name)).toEqual(['part'])
  })

  it.each([-0.1, 1.1, Number.NaN, '0.5'])('refuses the ratio %s', (ratio) => {
    expect(() => new RunSampler(new AlwaysOnSampler(), { ratio: ratio as never })).toThrow(
      `Failed to configure ratio: ${ratio} cannot be used. Pass a number from 0 to 1.`,
    )
  })

  it('refuses an option that there is not', () => {
    expect(() => new RunSampler(new AlwaysOnSampler(), { ration: 0.5 } as never)).toThrow(
      'Failed to configure RunSampler: it has no option ration. Did you mean ratio? Known are families, ratio.',
    )
  })

  it('has the randomness of its first run beside the member that marks a run', async () => {
    await using registered = recordSpans({ sampler: new RunSampler(new AlwaysOnSampler()) })
    const first = startRun('first')
    const second = first.with(() => startRun('second'))
    const third = second.with(() => startRun('third'))
    const randomness = randomnessOfTraceId(first.runId)
    expect(first.ref.tracestate).toBe(`runspan=${first.runId.slice(16)}`)
    expect(second.ref.tracestate).toBe(`runspan=${second.runId.slice(16)},ot=rv:${randomness}`)
    expect(third.ref.tracestate).toBe(`runspan=${third.runId.slice(16)},ot=rv:${randomness}`)
    for (const run of [third, second, first]) run.end()
    expect(registered.all.length).toBeGreaterThan(0)
  })

  it('takes the randomness that a sampler gave its first run', async () => {
    const inner: Sampler = {
      shouldSample: (_context, _traceId, name) => ({
        decision: 2,
        ...(name === 'invoke_agent first' ? { traceState: createTraceState('ot=th:8;rv:0123456789abcd') } : {}),
      }),
      toString: () => 'with randomness',
    }
    await using registered = recordSpans({ sampler: new RunSampler(inner) })
    const first = startRun('first')
    const second = first.with(() => startRun('second'))
    expect(second.ref.tracestate).toContain('ot=rv:0123456789abcd')
    for (const run of [second, first]) run.end()
    expect(registered.all.length).toBeGreaterThan(0)
  })
})

describe('the randomness of a trace', () => {
  it.each([
    ['ot=rv:0123456789abcd', '0123456789abcd'],
    ['vendor=1,ot=th:8;rv:0123456789abcd', '0123456789abcd'],
    ['ot=rv:0123456789abcd;th:8', '0123456789abcd'],
    ['ot=rv:0123456789abc', undefined],
    ['ot=rv:0123456789ABCD', undefined],
    ['ot=xrv:0123456789abcd', undefined],
    ['vendor=rv:0123456789abcd', undefined],
  ])('in %s is %s', (header, randomness) => {
    expect(randomnessOf(createTraceState(header))).toBe(randomness)
  })

  it('is written beside other members, and never over what OpenTelemetry wrote', () => {
    const randomness = '0123456789abcd'
    expect(withRandomness(undefined, randomness)!.serialize()).toBe('ot=rv:0123456789abcd')
    const written = withRandomness(createTraceState('vendor=1'), randomness)!
    expect([written.get('ot'), written.get('vendor')]).toEqual(['rv:0123456789abcd', '1'])
    expect(withRandomness(createTraceState('ot=th:8'), randomness)!.serialize()).toBe('ot=th:8')
  })

  it('reaches the threshold of a ratio in that share of traces', () => {
    expect([0, 1e-18].map(thresholdOf)).toEqual([undefined, undefined])
    expect(thresholdOf(1)).toBe('00000000000000')
    expect(thresholdOf(0.5)).toBe('80000000000000')
    expect(thresholdOf(0.25)).toBe('c0000000000000')
    const hex = fc.bigInt({ min: 0n, max: 2n ** 56n - 1n })
    fc.assert(
      fc.property(hex, fc.double({ min: 1e-9, max: 1, noNaN: true }), (value, ratio) => {
        const isKept = value.toString(16).padStart(14, '0') >= thresholdOf(ratio)!
        expect(isKept).toBe(value >= BigInt(Math.round((1 - ratio) * 2 ** 56)))
      }),
    )
  })
})
