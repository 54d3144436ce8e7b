import { SpanKind, SpanStatusCode, context, trace, type Attributes, type Span } from '@opentelemetry/api'
import fc from 'fast-check'
import { expect, it } from 'vitest'

import { wrapAgent } from '../../src/index.ts'
import { rollupOf } from '../../src/query/totals.ts'
import { runTreesOf } from '../../src/query/run-trees.ts'
import type { StoredAttributes, StoredSpan, StoredSpanKind } from '../../src/query/stored-span.ts'
import { recordSpans } from '../support/record-spans.ts'
import { idOf, root, span } from './stored-spans.ts'

/** A span of a random tree, and what is done after it has started. */
interface Drawn {
  /** Which of the spans that were started it is below; the root where that many are not there. */
  readonly below: number
  readonly operation: string | undefined
  readonly scope: string
  readonly tokens: number | undefined
  readonly hasFailed: boolean
  readonly isClient: boolean
  /** How many of the open spans end now, and from which on. */
  readonly ends: number
  readonly from: number
}

const anySpan: fc.Arbitrary<Drawn> = fc.record({
  below: fc.nat({ max: 8 }),
  operation: fc.constantFrom('chat', 'chat', 'invoke_agent', 'execute_tool', 'invoke_workflow', undefined),
  scope: fc.constantFrom('framework', 'client'),
  tokens: fc.constantFrom(undefined, 3, 3, 50),
  hasFailed: fc.boolean(),
  isClient: fc.boolean(),
  ends: fc.nat({ max: 3 }),
  from: fc.nat({ max: 8 }),
})

/** Writes the spans in this process, under a clock that never stands still. */
function write(drawn: readonly Drawn[]): void {
  const started: Span[] = [trace.getActiveSpan()!]
  const open: Span[] = []
  let millis = Date.now()
  for (const { below, operation, scope, tokens, hasFailed, isClient, ends, from } of drawn) {
    const attributes: Attributes = {
      ...(operation !== undefined && { 'gen_ai.operation.name': operation }),
      ...(operation === 'execute_tool' && { 'gen_ai.tool.name': isClient ? 'search' : 'fetch' }),
      ...(operation === 'chat' && { 'gen_ai.request.model': 'tiny' }),
      ...(tokens !== undefined && { 'gen_ai.usage.input_tokens': tokens, 'gen_ai.usage.output_tokens': 1 }),
    }
    const parent = trace.setSpan(context.active(), started[below] ?? started[0]!)
    const kind = isClient ? SpanKind.CLIENT : SpanKind.INTERNAL
    const one = trace.getTracer(scope).startSpan(operation ?? 'step', { kind, attributes, startTime: millis++ }, parent)
    if (hasFailed) one.setStatus({ code: SpanStatusCode.ERROR })
    started.push(one)
    open.push(one)
    for (const ended of open.splice(from % open.length, ends)) ended.end(millis++)
  }
  for (const one of open) one.end(millis++)
}

const kinds: readonly StoredSpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer']

function nanos([seconds, rest]: readonly [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest)
}

it('comes to what the processor counts, whatever the spans, and in whatever order they end', async () => {
  const runId = idOf('a1')
  const caller = root(runId, { service: 'planner', from: -1_000, to: 1_000_000, totals: { complete: false } })
  const server = span(runId, {
    service: 'other',
    kind: 'server',
    parentSpanId: caller.spanId,
    flags: 0x301,
    from: -500,
    to: 900_000,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(anySpan, { minLength: 1, maxLength: 12 }), async (drawn) => {
      await using spans = recordSpans({ rollup: { prices: 'none' } })
      await wrapAgent('x', () => write(drawn))
      const top = spans.all.find((one) => one.parentSpanContext === undefined)!
      const topId = top.spanContext().spanId
      const counted = rollupOf(top.attributes as StoredAttributes)!
      const foreign = spans.all
        .filter((one) => one !== top && one.parentSpanContext !== undefined && one.name !== 'runspan started')
        .map((one): StoredSpan => {
          const parentId = one.parentSpanContext!.spanId
          return {
            ...server,
            spanId: one.spanContext().spanId,
            parentSpanId: parentId === topId ? server.spanId : parentId,
            flags: 0x101,
            name: one.name,
            kind: kinds[one.kind]!,
            startUnixNano: nanos(one.startTime),
            endUnixNano: nanos(one.endTime),
            status: { code: one.status.code === SpanStatusCode.ERROR ? 'error' : 'unset' },
            attributes: one.attributes as StoredAttributes,
            scope: { name: one.instrumentationScope.name },
          }
        })
      const [run] = runTreesOf([caller, server, ...foreign])
      const { llmCalls, toolCalls, inputTokens } = counted
      // Where nothing calls a model or a tool, nothing is foreign work.
      if (llmCalls === 0 && toolCalls === 0 && inputTokens === 0) expect(run!.foreignParts).toEqual([])
      else expect(run!.foreignTotals).toEqual(counted)
    }),
    { numRuns: 60 },
  )
})
