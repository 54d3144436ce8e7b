import { SpanKind } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { endRun, joinRun, newRunId, recordLlmCall, startRun, tool, wrapAgent, type RunRef } from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, links } from '../support/trace-text.ts'

const status = 'runspan.run.status'

/** What a queue does to a ref. */
const travel = (ref: RunRef): RunRef => JSON.parse(JSON.stringify(ref)) as RunRef

const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')

describe('a run that is handed off', () => {
  it('is forgotten by its opener, and ended by whoever holds the ref', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const run = startRun('import')
    const ref = travel(run.handOff())
    expect(endRun(run)).toBe(false)
    expect(endRun(run.runId)).toBe(false)
    expect(endRun(run.ref)).toBe(false)
    run.handOff()
    expect(spans.all).toEqual([])
    expect(endRun(ref, { output: 'rows' })).toBe(true)
    expect(endRun(ref, { output: 'again' })).toBe(false)
    expectTrace(spans.text({ status, output: 'runspan.output', detached: 'runspan.run.detached' })).toBe(`
      invoke_agent import  status=completed output="rows" detached=true
    `)
    expect(counts()).toEqual({ runsStarted: 2, runsHandedOff: 1, runsEnded: 1, endsIgnored: 5 })
  })

  it('keeps name, start, parent, links, input, metadata and the subtotal of its opener', async () => {
    await using spans = recordSpans()
    const reviewed = newRunId()
    const { runId: parentId, result } = await wrapAgent('planner', () => {
      const run = startRun('import', {
        goal: 'load rows',
        input: ['orders'],
        metadata: { shards: 2, source: 'crm' },
        agentVersion: '1.2',
        links: [{ type: 'review', to: reviewed, attributes: { round: 1 } }],
      })
      run.with(() => {
        recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 10, outputTokens: 2, costUsd: 0.25 })
        tool('load', () => {})()
      })
      return run.handOff()
    })
    const ref = travel(result)
    await new Promise((resolve) => setImmediate(resolve))
    expect(endRun(ref, { metadata: { rows: 3 } })).toBe(true)
    const root = spans.root(ref.runId)
    expect(root.attributes).toMatchObject({
      'gen_ai.agent.name': 'import',
      'runspan.agent.version': '1.2',
      'runspan.parent_run.id': parentId,
      'runspan.root_run.id': parentId,
      'runspan.run.goal': 'load rows',
      'runspan.input': '["orders"]',
      'runspan.metadata.shards': 2,
      'runspan.metadata.source': 'crm',
      'runspan.metadata.rows': 3,
      'runspan.usage.input_tokens': 10,
      'runspan.cost.nano_usd': 250_000_000,
      'runspan.calls.llm': 1,
      'runspan.calls.tool': 1,
      'runspan.rollup.complete': false,
    })
    expect(`${root.startTime[0]}${String(root.startTime[1]).padStart(9, '0')}`).toBe(ref.startUnixNano)
    expect(links(root)).toBe('parent+review')
    const dispatch = spans.of(parentId).find((span) => span.kind === SpanKind.CLIENT)!
    expect(root.links[0]!.context).toMatchObject({ traceId: parentId, spanId: dispatch.spanContext().spanId })
    expect(root.links[1]).toMatchObject({ context: { traceId: reviewed }, attributes: { round: 1 } })
    // The dispatch span shows the hand-over; the run goes on without it.
    expect(dispatch.attributes['runspan.child_run.id']).toBe(ref.runId)
  })

  it('fails with the error of whoever ends it, and says nothing of a status that nobody gave', async () => {
    await using spans = recordSpans()
    const ref = startRun('import').handOff()
    expect(endRun(ref, { error: new RangeError('too many rows') })).toBe(true)
    expectTrace(spans.text({ status, type: 'error.type', says: (span) => span.status.message })).toBe(`
      invoke_agent import  status=failed type=RangeError says=too many rows ERROR
    `)
  })

  it('collects parts that are joined before and after it ends', async () => {
    await using spans = recordSpans()
    const ref = travel(startRun('import').handOff())
    joinRun(ref, () => recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 5 }), { name: 'before' })
    endRun(ref)
    joinRun(ref, () => {}, { name: 'after' })
    expectTrace(spans.tree(ref.runId, { scope: 'runspan.rollup.scope', in: 'runspan.usage.input_tokens' })).toBe(`
      invoke_agent import    scope=run
        before               scope=segment in=5
          chat m
        after                scope=segment
    `)
  })

  it('has the root that its parts wait for, also where the opener had no generator or the id ends in zeroes', async () => {
    const opened: RunRef[] = []
    {
      await using foreign = recordSpans({ generator: 'none' })
      opened.push(startRun('import').handOff())
      expect(foreign.all).toEqual([])
    }
    await using spans = recordSpans()
    opened.push(startRun('import', { runId: `${newRunId().slice(0, 16)}${'0'.repeat(16)}` }).handOff())
    for (const ref of opened) {
      joinRun(travel(ref), () => {}, { name: 'part' })
      expect(endRun(travel(ref))).toBe(true)
      expectTrace(spans.tree(ref.runId)).toBe(`
        invoke_agent import
          part
      `)
    }
  })

  it('cannot be ended with a ref that was damaged on its way: counted', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const ref = startRun('import').handOff()
    for (const handedOff of [
      '',
      '%%%',
      json(null),
      json({ v: 2 }),
      json({ v: 1, agentName: 7 }),
      ref.handedOff!.slice(3),
    ]) {
      expect(endRun({ ...ref, handedOff })).toBe(false)
    }
    expect(counts()).toMatchObject({ endsIgnored: 6 })
    expect(spans.all).toEqual([])
    expect(endRun(ref)).toBe(true)
  })

  it('never exports a malformed link, whatever the ref says', async () => {
    await using spans = recordSpans()
    const ref = startRun('import', { links: [{ type: 'review', to: newRunId() }] }).handOff()
    const description = JSON.parse(Buffer.from(ref.handedOff!, 'base64').toString()) as { links: { t: string }[] }
    description.links[0]!.t = 'no trace id'
    const handedOff = Buffer.from(JSON.stringify(description)).toString('base64')
    expect(endRun({ ...ref, handedOff })).toBe(true)
    expect(spans.root(ref.runId).links).toEqual([])
  })

  it('stays dropped where its opener did not sample it, whatever the ender’s sampler says', async () => {
    let ref: RunRef
    {
      await using unsampled = recordSpans({ sampler: new AlwaysOffSampler() })
      ref = travel(startRun('import').handOff())
      expect(unsampled.all).toEqual([])
    }
    await using spans = recordSpans()
    const counts = countsFromNow()
    joinRun(ref, () => {}, { name: 'part' })
    expect(endRun(ref)).toBe(true)
    expect(endRun(ref)).toBe(false)
    expect(spans.all).toEqual([])
    expect(counts()).toMatchObject({ runsEnded: 1, endsIgnored: 1 })
  })

  it('works without a provider', () => {
    const ref = startRun('import').handOff()
    expect(endRun(travel(ref))).toBe(true)
    expect(endRun(travel(ref))).toBe(false)
  })
})
