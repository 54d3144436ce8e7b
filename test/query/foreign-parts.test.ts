import { describe, expect, it } from 'vitest'

import { buildFamilies } from '../../src/query/family-tree.ts'
import { createMemoryReader } from '../../src/query/readers/memory.ts'
import { openSpanStore } from '../../src/query/readers/sqlite/span-store.ts'
import { runTreesOf } from '../../src/query/run-trees.ts'
import type { RunTree } from '../../src/query/run-tree.ts'
import type { StoredAttributes, StoredSpan } from '../../src/query/stored-span.ts'
import { amendment, idOf, root, segment, span, type SpanInit } from './stored-spans.ts'

const a = idOf('a1')
/** Flags of a span whose parent is known to be in the same process, and in another. */
const [here, elsewhere] = [0x101, 0x301]

/** The run that a bag of spans holds, its parts as short text: who, calls, input tokens. */
function read(...spans: readonly StoredSpan[]): RunTree {
  return runTreesOf(spans)[0]!
}
function partsOf({ foreignParts }: RunTree): readonly string[] {
  return foreignParts.map(({ service, totals }) => `${service}: ${totals.llmCalls} calls, ${totals.inputTokens} in`)
}

function below(parent: StoredSpan, init: SpanInit = {}): StoredSpan {
  const service = parent.resource.attributes['service.name'] as string
  return span(a, { parentSpanId: parent.spanId, flags: here, service, from: 2, to: 8, ...init })
}
function requestTo(service: string, caller: StoredSpan, init: SpanInit = {}): StoredSpan {
  return below(caller, { name: `POST /${service}`, kind: 'server', service, flags: elsewhere, ...init })
}
function usage(input: number, output = 0): StoredAttributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output }
}
function chat(parent: StoredSpan, input: number, init: SpanInit = {}): StoredSpan {
  const { attributes, ...rest } = init
  const said = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'tiny', ...usage(input), ...attributes }
  return below(parent, { name: 'chat tiny', kind: 'client', from: 3, to: 7, ...rest, attributes: said })
}

/** A run of a service with Runspan: one model call of its own, then a request to whoever is asked. */
function planner(totals = {}): { readonly top: StoredSpan; readonly request: StoredSpan; readonly own: StoredSpan[] } {
  const numbers = { input: 10, llm: 1, unpriced: 1, source: 'unpriced', spans: 4, complete: false, ...totals }
  const top = root(a, { agent: 'planner', service: 'planner', flags: here, to: 10, totals: numbers })
  const tool = below(top, { attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'summarise' } })
  const request = below(tool, { name: 'POST', kind: 'client' })
  return { top, request, own: [top, chat(top, 10), tool, request] }
}

describe('a service without Runspan', () => {
  it('has its model calls in the totals of the run, and is named beside them', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const run = read(...own, server, chat(server, 100, { attributes: usage(100, 5) }))
    expect(run.ownTotals).toMatchObject({ llmCalls: 1, inputTokens: 10 })
    expect(run.totals).toMatchObject({ llmCalls: 2, inputTokens: 110, outputTokens: 5, spans: 6, unpricedCalls: 2 })
    expect(run.foreignTotals).toMatchObject({ llmCalls: 1, inputTokens: 100, outputTokens: 5, spans: 2 })
    expect(run.foreignParts).toMatchObject([{ service: 'summaries', span: { spanId: server.spanId } }])
    expect(run.gaps).toEqual(['elsewhere'])
  })

  it('has its calls priced as the list has them, where nobody reports a cost', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const model = { 'gen_ai.request.model': 'gpt-5-mini', 'gen_ai.provider.name': 'openai' }
    const listed = chat(server, 1_000_000, { attributes: model })
    const reported = chat(server, 1, { attributes: { ...model, 'gen_ai.usage.cost': 0.5 } })
    expect(read(...own, server, listed).foreignTotals).toMatchObject({
      costNanoUsd: 250_000_000n,
      costSource: 'priced',
      unpricedCalls: 0,
    })
    expect(read(...own, server, reported).foreignTotals).toMatchObject({
      costNanoUsd: 500_000_000n,
      costSource: 'reported',
    })
    // The control: reading changes no span.
    expect(listed.attributes).not.toHaveProperty('runspan.call.cost.nano_usd')
  })

  it('counts once what two of its instrumentations show one below the other, or side by side', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const outer = chat(server, 100, { scope: { name: 'framework' } })
    const inner = chat(outer, 100, { scope: { name: 'client' }, from: 4, to: 6 })
    const beside = [chat(server, 7, { scope: { name: 'framework' } }), chat(server, 7, { scope: { name: 'client' } })]
    const run = read(...own, server, outer, inner, ...beside)
    expect(partsOf(run)).toEqual(['summaries: 2 calls, 107 in'])
    // The control: of one instrumentation they are two.
    const same = [chat(server, 7), chat(server, 7)]
    expect(partsOf(read(...own, server, ...same))).toEqual(['summaries: 2 calls, 14 in'])
  })

  it('counts containers within containers only where nothing below them reports usage', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const agent = (init: SpanInit, parent = server) =>
      below(parent, { ...init, attributes: { 'gen_ai.operation.name': 'invoke_agent', ...init.attributes } })
    const outer = agent({ attributes: usage(100), from: 2, to: 9 })
    const inner = agent({ attributes: usage(100), from: 3, to: 8 }, outer)
    const leaves = [chat(inner, 60), chat(inner, 40)]
    const alone = agent({ attributes: usage(1_000) })
    const run = read(...own, server, outer, inner, ...leaves, alone)
    expect(partsOf(run)).toEqual(['summaries: 3 calls, 1100 in'])
  })

  it('stands beside one that it calls itself', () => {
    const { request, own } = planner()
    const first = requestTo('first', request)
    const call = below(first, { kind: 'client' })
    const second = requestTo('second', call)
    const run = read(...own, first, chat(first, 1), call, second, chat(second, 20))
    expect(partsOf(run)).toEqual(['first: 1 calls, 1 in', 'second: 1 calls, 20 in'])
    expect(run.totals.inputTokens).toBe(31)
  })

  it('adds no part that calls a service with Runspan, which reports for itself', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const back = below(server, { kind: 'client' })
    const request2 = requestTo('search', back)
    const joined = segment(a, {
      parentSpanId: request2.spanId,
      service: 'search',
      flags: here,
      from: 4,
      totals: { input: 500, llm: 1 },
    })
    const run = read(...own, server, chat(server, 100), back, request2, joined, chat(joined, 500))
    expect(partsOf(run)).toEqual(['summaries: 1 calls, 100 in'])
    expect(run.totals).toMatchObject({ llmCalls: 3, inputTokens: 610 })
    // The control: without its segment there is nobody else to count it.
    expect(partsOf(read(...own, server, back, request2, chat(request2, 500)))).toEqual(['search: 1 calls, 500 in'])
  })

  it('adds nothing that comes back to the run’s own process, which has counted it', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const back = below(server, { kind: 'client' })
    const again = requestTo('planner', back)
    expect(read(...own, server, back, again, chat(again, 500)).foreignParts).toEqual([])
  })

  it('is found when it ends and comes after the root, an amendment beside it', () => {
    const { top, request, own } = planner({ open: 1 })
    const late = amendment(top, { input: 1_000, llm: 1, spans: 1 })
    const server = requestTo('summaries', request, { to: 500 })
    const run = read(...own, late, server, chat(server, 100, { from: 400, to: 450 }))
    expect(run.totals).toMatchObject({ llmCalls: 3, inputTokens: 1_110 })
  })

  it('adds nothing where it calls neither models nor tools', () => {
    const { request, own } = planner()
    const server = requestTo('database', request, { status: { code: 'error' } })
    const run = read(...own, server, below(server, { name: 'SELECT' }))
    expect(run).toMatchObject({ foreignParts: [], foreignTotals: undefined, totals: { spans: 4, errors: 0 } })
    const tool = below(server, { attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'sql' } })
    expect(read(...own, server, tool).totals.toolCalls).toBe(1)
  })

  it('that works below a segment adds to the run what that segment does not have', () => {
    const { request, own } = planner()
    const joined = segment(a, {
      parentSpanId: request.spanId,
      service: 'search',
      flags: elsewhere,
      from: 2,
      to: 9,
      totals: { input: 5, llm: 1, complete: false },
    })
    const call = below(joined, { kind: 'client' })
    const server = requestTo('summaries', call)
    const run = read(...own, joined, call, server, chat(server, 100))
    expect(run.totals).toMatchObject({ llmCalls: 3, inputTokens: 115 })
  })
})

describe('a call that a rollup has already', () => {
  it('is added once where a gateway shows it too, below the client’s own span', () => {
    const { top, own } = planner()
    const client = own[1]!
    const gateway = requestTo('gateway', client, { from: 4, to: 6 })
    const run = read(...own, gateway, chat(gateway, 10, { from: 4, to: 6 }))
    expect(partsOf(run)).toEqual(['gateway: 1 calls, 10 in'])
    expect(run.foreignTotals).toMatchObject({ llmCalls: 0, inputTokens: 0 })
    expect(run.totals).toMatchObject({ llmCalls: 1, inputTokens: 10 })
    // The control: beside the client's span, and later, it is another call.
    const other = requestTo('gateway', top, { from: 8, to: 9 })
    expect(read(...own, other, chat(other, 10, { from: 8, to: 9 })).totals).toMatchObject({ llmCalls: 2 })
  })

  it('has its tokens from the gateway where the client reported none', () => {
    const { top, own, request } = planner({ input: 0 })
    const silent = below(top, {
      kind: 'client',
      from: 3,
      to: 7,
      attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'tiny' },
    })
    const gateway = requestTo('gateway', silent, { from: 4, to: 6 })
    const spans = [own[0]!, own[2]!, request, silent, gateway, chat(gateway, 10, { from: 4, to: 6 })]
    expect(read(...spans).totals).toMatchObject({ llmCalls: 1, unpricedCalls: 1, inputTokens: 10 })
  })

  it('is one tool call where client and server of a tool both show it', () => {
    const { request, own } = planner({ tools: 1 })
    const server = requestTo('summaries', request)
    const named = (name: string) =>
      below(server, { attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name } })
    expect(read(...own, server, named('summarise'), chat(server, 1)).totals).toMatchObject({ toolCalls: 1 })
    expect(read(...own, server, named('another'), chat(server, 1)).totals).toMatchObject({ toolCalls: 2 })
  })

  it('is in the root of a run that another process had begun', () => {
    // The opener's spans are below a root that the worker wrote: its sums went along when the run was handed off.
    const top = root(a, { service: 'worker', flags: here, totals: { input: 10, llm: 1, complete: false } })
    for (const flags of [here, 1]) {
      expect(read(top, chat(top, 10, { service: 'opener', flags })).foreignParts, String(flags)).toEqual([])
    }
    // The control: what is known to have come from elsewhere.
    const server = requestTo('summaries', top)
    expect(partsOf(read(top, chat(top, 10, { service: 'opener' }), server, chat(server, 5)))).toEqual([
      'summaries: 1 calls, 5 in',
    ])
  })

  it('is not looked for below a request that a service refused to join', () => {
    const { request, own } = planner()
    const server = requestTo('search', request, { attributes: { 'runspan.join.refused': true } })
    expect(read(...own, server, chat(server, 100)).totals.inputTokens).toBe(10)
    const call = below(server, { kind: 'client' })
    const further = requestTo('summaries', call)
    expect(read(...own, server, call, further, chat(further, 100)).totals.inputTokens).toBe(10)
  })
})

describe('what is missing', () => {
  it('a store that drops what is known of parents is read by kinds and services', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const spans = [...own, server, chat(server, 100)].map((one) => ({ ...one, flags: 1 }))
    expect(partsOf(read(...spans))).toEqual(['summaries: 1 calls, 100 in'])
  })

  it('a part whose caller has not come is counted where its service reports nothing else', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request)
    const withoutRequest = own.filter((one) => one !== request)
    expect(partsOf(read(...withoutRequest, server, chat(server, 100)))).toEqual(['summaries: 1 calls, 100 in'])
    // Of a service that reports something, a span may be in that.
    const orphan = chat(request, 100, { service: 'planner' })
    expect(read(...withoutRequest, orphan).foreignParts).toEqual([])
  })

  it('before the root has come, what may be in it is left alone', () => {
    const { top, request, own } = planner()
    const server = requestTo('summaries', request)
    const open = [...own, server, chat(server, 100)]
      .filter((one) => one !== top)
      .map((one) => ({ ...one, traceState: `runspan=${a.slice(16)}` }))
    expect(partsOf(read(...open))).toEqual(['summaries: 1 calls, 100 in'])
    expect(read(...open).gaps).toEqual(['root'])
  })

  it('a process that has Runspan and keeps no rollup is counted from its spans, too', () => {
    const top = root(a, { service: 'planner', totals: false })
    const run = read(top, chat(top, 10))
    expect(run).toMatchObject({ ownTotals: undefined, gaps: ['rollup'], totals: { llmCalls: 1, inputTokens: 10 } })
    expect(partsOf(run)).toEqual(['planner: 1 calls, 10 in'])
  })

  it('a service that is slow by its clock starts no earlier than its caller', () => {
    const { request, own } = planner()
    const server = requestTo('summaries', request, { from: -500, to: -490 })
    expect(partsOf(read(...own, server, chat(server, 100, { from: -499, to: -495 })))).toEqual([
      'summaries: 1 calls, 100 in',
    ])
  })

  it('spans that go round in a circle are in no part', () => {
    const { own } = planner()
    const one = chat(own[0]!, 1, { spanId: 'e1', parentSpanId: 'e2', service: 'odd' })
    const two = chat(own[0]!, 1, { spanId: 'e2', parentSpanId: 'e1', service: 'odd' })
    expect(read(...own, one, two).foreignParts).toEqual([])
  })
})

describe('readers', () => {
  const { request, own } = planner()
  const server = requestTo('summaries', request)
  const spans = [...own, server, chat(server, 100)]

  it('count it in runs, families and threads; lists have what Runspan wrote', async () => {
    await using store = await openSpanStore(':memory:')
    for (const one of spans) await store.write([one])
    for (const reader of [createMemoryReader(spans), store.reader()]) {
      for (const options of [{}, { maxSpans: 0 }]) {
        expect(await reader.getRun(a, options)).toMatchObject({
          totals: { inputTokens: 110 },
          foreignTotals: { inputTokens: 100 },
          foreignParts: [{ service: 'summaries' }],
        })
      }
      expect(await reader.family(a)).toMatchObject({
        ownTotals: { inputTokens: 10 },
        runTotals: { inputTokens: 110 },
        totals: { inputTokens: 110 },
        foreignTotals: { inputTokens: 100 },
      })
      const [listed] = (await reader.listRuns()).items
      expect(listed).toMatchObject({ totals: { inputTokens: 10 }, gaps: ['elsewhere'] })
      expect(listed).not.toHaveProperty('foreignParts')
    }
  })

  it('have it in the totals of a family that is built of any spans', () => {
    expect(buildFamilies(spans.toReversed())[0]).toMatchObject({
      totals: { inputTokens: 110 },
      foreignTotals: { inputTokens: 100 },
    })
    expect(buildFamilies(own)[0]!.foreignTotals).toBeUndefined()
  })
})
