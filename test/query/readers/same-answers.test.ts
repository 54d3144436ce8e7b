import fc from 'fast-check'
import { expect, it } from 'vitest'

import { createMemoryReader } from '../../../src/query/readers/memory.ts'
import { openSpanStore } from '../../../src/query/readers/sqlite/span-store.ts'
import type { RunFilter } from '../../../src/query/run-filter.ts'
import type { RunReader } from '../../../src/query/run-reader.ts'
import type { StoredSpan } from '../../../src/query/stored-span.ts'
import { amendment, at, dispatch, idOf, root, segment, span } from '../stored-spans.ts'

const runs = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'].map(idOf)
const anyRun = fc.constantFrom(...runs)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const anyName = fc.constantFrom('one', 'two')
const anyTime = fc.nat({ max: 20 })

/** Spans of few runs that point at each other in all ways there are, with gaps. */
const anyWorld = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'root',
      'root',
      'root',
      'span',
      'call',
      'marked',
      'segment',
      'dispatch',
      'spawn',
      'review',
      'late',
    ),
    run: anyRun,
    other: anyRun,
    agent: anyName,
    user: maybe(anyName),
    conversation: maybe(anyName),
    parent: maybe(anyRun),
    requested: maybe(anyRun),
    first: maybe(anyRun),
    status: fc.constantFrom('completed', 'failed'),
    from: anyTime,
    length: anyTime,
    cost: maybe(fc.nat({ max: 100 })),
  }),
  { maxLength: 25 },
)
type Drawn = (typeof anyWorld extends fc.Arbitrary<infer T> ? T : never)[number]

function spanOf(drawn: Drawn): StoredSpan {
  const { kind, run, other, agent, from, length, cost } = drawn
  const common = { from, to: from + length, service: agent }
  const totals = { input: from, llm: 1, spans: 1, ...(cost === undefined ? {} : { nanoUsd: cost, source: 'priced' }) }
  switch (kind) {
    case 'root':
      return root(run, { ...common, agent, totals, runStatus: drawn.status, attributes: rootAttributes(drawn) })
    case 'segment':
      return segment(run, { ...common, totals })
    case 'dispatch':
      return dispatch(run, other, { ...common, agent })
    case 'spawn':
      return dispatch(run, other, { ...common, agent, kind: 'producer' })
    case 'late':
      return amendment(root(run), { input: 1, llm: 1, spans: 1 }, { from })
    case 'marked':
      return span(run, { ...common, traceState: `runspan=${run.slice(16)}`, parentSpanId: run.slice(16) })
    case 'review':
      return span(idOf('ee'), { ...common, attributes: { 'runspan.target_run.id': other } })
    case 'call': {
      // Of another service than the root's it is in nobody's rollup.
      const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': length }
      return span(run, { ...common, kind: 'server', parentSpanId: run.slice(16), attributes })
    }
    case 'span':
      return span(run, { ...common, parentSpanId: run.slice(16) })
    default:
      return kind satisfies never
  }
}

function rootAttributes({ user, conversation, parent, requested, first }: Drawn): Record<string, string> {
  const attributes = {
    'user.id': user,
    'gen_ai.conversation.id': conversation,
    'runspan.parent_run.id': parent,
    'runspan.requested_run.id': requested,
    'runspan.first_run.id': first,
  }
  return Object.fromEntries(
    Object.entries(attributes).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

const anyFilter: fc.Arbitrary<RunFilter> = fc.record({
  agent: maybe(anyName),
  userId: maybe(anyName),
  conversationId: maybe(anyName),
  status: maybe(fc.constantFrom('completed', 'failed', 'open')),
  parentRunId: maybe(anyRun),
  fromUnixMillis: maybe(anyTime.map((millis) => Number(at(millis) / 1_000_000n))),
  minCostNanoUsd: maybe(fc.nat({ max: 100 }).map(BigInt)),
  text: maybe(fc.constantFrom('ONE', 'w')),
})

it('memory and the span store answer the same to whatever is asked of whatever they have', async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, anyFilter, fc.integer({ min: 1, max: 5 }), async (drawn, filter, limit) => {
      const spans = drawn.map(spanOf)
      const memory = createMemoryReader(spans)
      await using store = await openSpanStore(':memory:')
      for (const one of spans.toReversed()) await store.write([one])
      await store.write(spans)
      const answers = async (reader: RunReader): Promise<unknown> => [
        await reader.listRuns(filter, { limit }),
        await reader.listThreads({ agent: filter.agent, userId: filter.userId }),
        await Promise.all(runs.map((id) => reader.getRun(id))),
        await Promise.all(runs.map((id) => reader.parent(id))),
        await Promise.all(runs.map((id) => reader.family(id))),
        await Promise.all(runs.map((id) => reader.reviews(id))),
        await reader.thread('one'),
      ]
      expect(await answers(store.reader())).toEqual(await answers(memory))
    }),
    { numRuns: 30 },
  )
})
