import { describe, expect, it } from 'vitest'

import { systemClock } from '../../src/internal/clock.ts'
import { renderRun } from '../../src/cli/render-run.ts'
import { renderFamily } from '../../src/cli/render-family.ts'
import { renderRuns } from '../../src/cli/list-runs.ts'
import { buildFamilies, createRunReader, type RunReader, type StoredSpan } from '../../src/query/index.ts'
import { MemorySource } from '../../src/query/readers/memory-source.ts'
import { openSpanStore } from '../../src/query/readers/index.ts'
import { createJaegerReader } from '../../src/query/readers/jaeger/jaeger-reader.ts'
import { createTempoReader } from '../../src/query/readers/tempo/tempo-reader.ts'
import type { RunFilter } from '../../src/query/run-filter.ts'
import { otlpJson } from '../support/otlp-json.ts'
import { serve } from '../support/serve.ts'
import { startTempoStandIn } from '../support/tempo-stand-in.ts'
import { at, idOf, nextSpanId, root, segment, span } from './stored-spans.ts'

const runId = idOf('a1')
const rootId = runId.slice(16)
const about = {
  'gen_ai.agent.name': 'import',
  'runspan.parent_run.id': idOf('b2'),
  'runspan.run.goal': 'load rows',
  'runspan.run.id': runId,
  'runspan.run.open': true,
}
const marker = span(runId, {
  name: 'runspan started',
  parentSpanId: rootId,
  from: 0,
  attributes: about,
  service: 'worker',
})
const segmentId = nextSpanId()

function checkpoint(from: number, input: number): StoredSpan {
  return span(runId, {
    name: 'runspan checkpoint',
    parentSpanId: rootId,
    from,
    attributes: {
      ...about,
      'runspan.usage.input_tokens': input,
      'runspan.calls.llm': 1,
      'runspan.spans': 2,
      'runspan.rollup.scope': 'checkpoint',
      'runspan.rollup.complete': false,
      'runspan.rollup.remote_segment_ids': [segmentId],
    },
    service: 'worker',
  })
}

/** The same spans in every store that keeps its own. */
async function readersOf(spans: readonly StoredSpan[]): Promise<readonly RunReader[]> {
  const memory = new MemorySource()
  memory.write(spans)
  const store = await openSpanStore(':memory:')
  // One by one, as they come.
  for (const one of spans) await store.write([one])
  return [createRunReader(memory), store.reader()]
}

describe('a run whose root has not come', () => {
  it('is known by its start marker: whose it is, what for, since when, and that it is open', async () => {
    for (const reader of await readersOf([
      marker,
      span(runId, { name: 'work', parentSpanId: rootId, from: 5, to: 9 }),
    ])) {
      await using _ = reader
      const { items } = await reader.listRuns({ status: 'open', agent: 'import', text: 'load rows' })
      expect(items).toHaveLength(1)
      expect(items[0]).toMatchObject({
        runId,
        agent: 'import',
        goal: 'load rows',
        service: 'worker',
        parentRunId: idOf('b2'),
        status: undefined,
        startUnixNano: at(0),
        durationMillis: undefined,
        ownTotals: undefined,
        checkpointUnixNano: undefined,
        gaps: ['root'],
        flags: ['root_not_received'],
      })
      expect((await reader.children(idOf('b2'))).items.map((child) => child.runId)).toEqual([runId])
    }
  })

  it('has the numbers of its latest checkpoint, which are said not to be the last', async () => {
    // What came home from a service is in the checkpoint, and in the rollup of that segment.
    const home = segment(runId, { spanId: segmentId, parentSpanId: rootId, from: 20, to: 30, totals: { input: 4 } })
    const later = checkpoint(120, 9)
    for (const reader of await readersOf([later, marker, checkpoint(60, 5), home])) {
      await using _ = reader
      const run = await reader.getRun(runId)
      expect(run).toMatchObject({ checkpointUnixNano: at(120), gaps: ['root'], agent: 'import' })
      expect(run?.ownTotals).toMatchObject({ inputTokens: 9, llmCalls: 1 })
      expect(run?.totals.inputTokens).toBe(9)
      expect(run?.flags).toContain('root_not_received')
      const listed = (await reader.listRuns()).items[0]!
      expect(listed.totals.inputTokens).toBe(9)
      expect(renderRuns([listed], { color: false, width: 200 })).toMatch(/import .* open .* 9\+/)
    }
  })

  it('is drawn as open, with the time of its numbers', () => {
    const [family] = buildFamilies([marker, checkpoint(60, 5)])
    const text = renderFamily(family!, { width: 160 })
    expect(text).toMatch(/import +open/)
    expect(text).toContain('its numbers are those of 2025-11-13 02:13:20Z')
    const [node] = family!.root.children
    expect(node?.kind === 'run' && renderRun(node.run)).toContain('runspan started')
  })
})

async function list(reader: RunReader, filter: RunFilter): Promise<readonly string[]> {
  return (await reader.listRuns(filter)).items.map((run) => run.runId)
}

describe('an open run in a backend', () => {
  const other = root(idOf('c3'), { agent: 'other', from: 10, to: 20 })
  const spans = [marker, span(runId, { name: 'work', parentSpanId: rootId, from: 5, to: 9 }), other]
  const soonAfter = { ...systemClock, nowUnixMillis: () => Number(at(60_000) / 1_000_000n) }

  it('is found in Tempo by its marker, unless only runs are wanted that have ended', async () => {
    await using tempo = await startTempoStandIn(spans)
    await using reader = createTempoReader(tempo.url, {}, soonAfter)
    expect(await list(reader, {})).toEqual([idOf('c3'), runId])
    expect(await list(reader, { status: 'open', agent: 'import' })).toEqual([runId])
    expect(await list(reader, { status: 'completed' })).toEqual([idOf('c3')])
  })

  it('is found in Jaeger by a search of its own', async () => {
    const asked: unknown[] = []
    await using jaeger = await serve((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
      if (pathname === '/api/v3/trace-summaries') {
        response.end('{"summaries":[]}')
        return
      }
      const wanted = JSON.parse(searchParams.get('query.attributes') ?? '{}') as Record<string, string>
      asked.push(wanted)
      const fits = ({ attributes }: StoredSpan): boolean =>
        Object.entries(wanted).every(([key, value]) => [value, value === 'true'].includes(attributes[key] as string))
      const ids = new Set(spans.filter(fits).map(({ traceId }) => traceId))
      response.end(`{"result":${otlpJson(spans.filter(({ traceId }) => ids.has(traceId)))}}`)
    })
    await using reader = createJaegerReader(jaeger.url, {}, soonAfter)
    expect(await list(reader, {})).toEqual([idOf('c3'), runId])
    expect(await list(reader, { status: 'completed' })).toEqual([idOf('c3')])
    expect(asked).toEqual([
      { 'gen_ai.operation.name': 'invoke_agent' },
      { 'runspan.run.open': 'true' },
      { 'gen_ai.operation.name': 'invoke_agent', 'runspan.run.status': 'completed' },
    ])
  })
})

describe('a run whose root has come', () => {
  it('has the numbers of its root alone, and no step that only said that it was open', async () => {
    const end = root(runId, {
      spanId: rootId,
      agent: 'import',
      from: 0,
      to: 200,
      totals: { input: 11, llm: 2, spans: 3 },
    })
    const spans = [marker, checkpoint(60, 5), span(runId, { name: 'work', parentSpanId: rootId, from: 5, to: 9 })]
    for (const reader of await readersOf([...spans, end])) {
      await using _ = reader
      const run = await reader.getRun(runId)
      expect(run).toMatchObject({ status: 'completed', checkpointUnixNano: undefined, gaps: [], flags: [] })
      expect(run?.totals).toMatchObject({ inputTokens: 11, llmCalls: 2, spans: 3 })
      expect((await reader.listRuns({ status: 'open' })).items).toEqual([])
      const drawn = renderRun(run!)
      expect(drawn).toContain('work')
      expect(drawn).not.toContain('runspan')
    }
  })
})
