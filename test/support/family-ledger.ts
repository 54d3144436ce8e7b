import type { StoredSpan } from '../../src/query/stored-span.ts'
import { manyId } from './many-spans.ts'

/** What the books say of a run and of its family. */
export interface LedgerEntry {
  readonly rootId: string
  /** A run of the third level: families are asked for by any of their runs. */
  readonly leafId: string
  readonly runCount: number
  readonly ownTokens: number
  readonly runTokens: number
  readonly familyTokens: number
  readonly familyCostNanoUsd: bigint
}

const runsPerFamily = 20
const hourMillis = 3_600_000
const childrenOfRoot = 4

/**
 * Families of twenty runs in three levels; every second run has a part in another service. The books are kept beside the
 * spans, by other means than those that are tested: plain sums.
 *
 * @param startUnixMillis when the first run starts
 * @param apartMillis how much later each family starts than the one before it
 * @yields a family at a time: its spans, and what the books say
 */
export function* ledgerFamilies(
  count: number,
  startUnixMillis = 1_763_000_000_000,
  apartMillis = hourMillis,
): Generator<{ readonly spans: StoredSpan[]; readonly entry: LedgerEntry }> {
  for (let family = 0; family < count; family++) {
    const spans: StoredSpan[] = []
    const idOf = (run: number): string => manyId(family * runsPerFamily + run)
    let familyTokens = 0
    let familyCost = 0n
    for (let run = 0; run < runsPerFamily; run++) {
      const own = 1 + ((family * 7 + run * 13) % 97)
      const joined = run % 2 === 0 ? 1 + ((family + run) % 11) : 0
      familyTokens += own + joined
      familyCost += BigInt(own + joined) * 3n
      const parent = run === 0 ? undefined : run <= childrenOfRoot ? 0 : 1 + ((run - 1) % childrenOfRoot)
      spans.push(
        ...runSpans(
          idOf(run),
          BigInt(startUnixMillis + family * apartMillis + family * runsPerFamily + run) * 1_000_000n,
          own,
          joined,
          parent === undefined ? undefined : idOf(parent),
          idOf(0),
        ),
      )
    }
    const own = 1 + ((family * 7) % 97)
    yield {
      spans,
      entry: {
        rootId: idOf(0),
        leafId: idOf(runsPerFamily - 1),
        runCount: runsPerFamily,
        ownTokens: own,
        runTokens: own + 1 + (family % 11),
        familyTokens,
        familyCostNanoUsd: familyCost,
      },
    }
  }
}

function runSpans(
  runId: string,
  from: bigint,
  own: number,
  joined: number,
  parentId: string | undefined,
  rootId: string,
): StoredSpan[] {
  const base = {
    traceId: runId,
    flags: 1,
    kind: 'internal',
    status: { code: 'unset' },
    events: [],
    links: [],
    scope: { name: 'ledger' },
  } as const
  const root: StoredSpan = {
    ...base,
    spanId: runId.slice(16),
    name: 'invoke_agent ledger',
    startUnixNano: from,
    endUnixNano: from + 900_000n,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'ledger',
      'runspan.run.id': runId,
      'runspan.run.status': 'completed',
      ...(parentId === undefined ? {} : { 'runspan.parent_run.id': parentId, 'runspan.root_run.id': rootId }),
      ...rollup('run', own),
    },
    resource: { attributes: { 'service.name': 'ledger' } },
  }
  const call: StoredSpan = {
    ...base,
    spanId: `0a${runId.slice(18)}`,
    parentSpanId: root.spanId,
    name: 'chat small',
    startUnixNano: from + 1_000n,
    endUnixNano: from + 2_000n,
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': own },
    resource: root.resource,
  }
  if (joined === 0) return [root, call]
  const segment: StoredSpan = {
    ...base,
    spanId: `0b${runId.slice(18)}`,
    parentSpanId: root.spanId,
    name: 'join search',
    startUnixNano: from + 3_000n,
    endUnixNano: from + 4_000n,
    attributes: { 'runspan.segment': true, 'runspan.run.id': runId, ...rollup('segment', joined) },
    resource: { attributes: { 'service.name': 'search' } },
  }
  return [root, call, segment]
}

function rollup(scope: string, tokens: number): StoredSpan['attributes'] {
  return {
    'runspan.rollup.scope': scope,
    'runspan.rollup.complete': true,
    'runspan.usage.input_tokens': tokens,
    'runspan.cost.nano_usd': tokens * 3,
    'runspan.cost.source': 'priced',
    'runspan.calls.llm': 1,
    'runspan.spans': 2,
  }
}
