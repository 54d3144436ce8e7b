import { beforeAll, describe, expect, it } from 'vitest'

import { sumBill, type LedgerEntry } from '../../examples/model-server/ledger.ts'
import { runTreesOf, type RunTree, type StoredSpan } from '../../src/query/index.ts'
import { isMissing } from './is-missing.ts'
import { runMesh, runsPerSpawn, services, type Mesh } from './mesh.ts'
import { ensurePython } from './python-packages.ts'

const python = ensurePython()
if (python.status === 'missing') {
  if (process.env['RUNSPAN_REQUIRE_ALL'] === '1') throw new Error(python.reason)
  console.warn(`skipped: ${python.reason}`)
}

/** `npm run test:mesh` asks for more. */
const runCount = Number(process.env['RUNSPAN_MESH_RUNS'] ?? 40)
const concurrency = Math.min(200, runCount)

describe.skipIf(python.status === 'missing' || isMissing('redis'))(
  `five services in five processes, ${runCount} runs, ${concurrency} at a time`,
  () => {
    let mesh: Mesh
    let runs: ReadonlyMap<string, RunTree>
    const bills = new Map<string, readonly LedgerEntry[]>()

    beforeAll(async () => {
      const { bin } = python as { readonly bin: string }
      mesh = await runMesh(bin, runCount, concurrency)
      runs = new Map(runTreesOf(mesh.spans).map((run) => [run.runId, run]))
      for (const entry of mesh.ledger) bills.set(entry.runId!, [...(bills.get(entry.runId!) ?? []), entry])
    }, 3_600_000)

    it('every service has worked on runs', () => {
      const names = new Set(mesh.spans.map((span) => span.resource.attributes['service.name']))
      for (const name of services) expect(names).toContain(name)
    })

    it('every span is in the right run, below a span that is there', () => {
      const { spans } = mesh
      const runIds = new Set([...mesh.runs.map(({ runId }) => runId), ...mesh.spawnedIds])
      expect(runIds.size).toBe(runCount + runCount / runsPerSpawn)
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(runIds)
      const placeOf = new Map(spans.map(({ spanId, traceId }) => [spanId, traceId]))
      const orphans = spans.filter(
        ({ parentSpanId, traceId }) => parentSpanId !== undefined && placeOf.get(parentSpanId) !== traceId,
      )
      expect(orphans.map(({ name }) => name)).toEqual([])
      expect(placeOf.size).toBe(spans.length)
    })

    it('every link leads to a span that is there', () => {
      const there = new Set(mesh.spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`))
      const links = mesh.spans.flatMap((span) => span.links)
      // Of each spawned run there is one in either direction.
      expect(links).toHaveLength(2 * mesh.spawnedIds.length)
      expect(links.filter(({ traceId, spanId }) => !there.has(`${traceId}/${spanId}`))).toEqual([])
    })

    it('every root that says complete has the model server’s bill for its run; every other says why not', () => {
      const spawned = mesh.spawnedIds.map((runId) => ({ runId, how: 'a' }))
      for (const { runId, how } of [...mesh.runs, ...spawned]) {
        const { root, spans } = runs.get(runId)!
        const isComplete = root!.attributes['runspan.rollup.complete'] === true
        const reasons = (root!.attributes['runspan.rollup.incomplete_reasons'] ?? []) as readonly string[]
        if (isComplete) expect(numbersOf(root!), how).toEqual(billOf(runId))
        expect(reasons.length === 0, how).toBe(isComplete)
        // Where a request was lost, nobody knows what became of it. Otherwise a run is incomplete for what was done with
        // it, and for nothing else.
        if (!hasLostRequest(how, spans)) expect(reasons, `${how} ${runId}`).toEqual(reasonsOf(how))
      }
    })

    it('every part that is incomplete says why', () => {
      const incomplete = mesh.spans.filter((span) => span.attributes['runspan.rollup.complete'] === false)
      expect(incomplete.length).toBeGreaterThan(0)
      const silent = incomplete.filter((span) => span.attributes['runspan.rollup.incomplete_reasons'] === undefined)
      expect(silent.map(({ name }) => name)).toEqual([])
    })

    it('the leaves in the store come to the whole bill', () => {
      const bill = sumBill(mesh.ledger)
      const leaves = mesh.spans.filter(isLeaf)
      const sum = (key: string): number => leaves.reduce((total, leaf) => total + Number(leaf.attributes[key] ?? 0), 0)
      expect([leaves.length, sum('gen_ai.usage.input_tokens'), sum('gen_ai.usage.output_tokens')]).toEqual([
        bill.calls + leaves.filter(hasFailedWithoutAnswer).length,
        bill.inputTokens,
        bill.outputTokens,
      ])
    })

    it('every run, as readers find it, comes to its bill: what Python did is counted by them, and once', () => {
      for (const { runId, how } of mesh.runs) {
        const { totals, foreignParts, spans } = runs.get(runId)!
        expect([totals.llmCalls, totals.inputTokens, totals.outputTokens], how).toEqual(billOf(runId))
        const asked = spans.filter(({ name, kind }) => name === 'GET /summaries/{how}' && kind === 'server')
        expect(foreignParts.map(({ service, span }) => [service, span.spanId])).toEqual(
          asked.map(({ spanId }) => ['Python', spanId]),
        )
      }
    })

    /** What a run was billed, and calls that failed before the model had heard of them. */
    function billOf(runId: string): readonly number[] {
      const { calls, inputTokens, outputTokens } = sumBill(bills.get(runId) ?? [])
      const failed = runs.get(runId)!.spans.filter((span) => isLeaf(span) && hasFailedWithoutAnswer(span))
      return [calls + failed.length, inputTokens, outputTokens]
    }

    it('next to no run loses a request on its way, as it may on a machine that is busy with other work', () => {
      const lost = mesh.runs.filter(({ how, runId }) => hasLostRequest(how, runs.get(runId)!.spans))
      const complete = [...runs.values()].filter(({ root }) => root?.attributes['runspan.rollup.complete'] === true)
      console.log(
        `${runs.size} runs, ${mesh.spans.length} spans, ${mesh.ledger.length} calls billed in ${mesh.seconds} s; ` +
          `${complete.length} complete; ${lost.length} lost a request on its way`,
      )
      expect(lost.length).toBeLessThanOrEqual(runs.size * 0.02)
    })
  },
)

/** Why a run is not complete to which that is done. */
function reasonsOf(how: string): readonly string[] {
  const [, own = '', rest = ''] = /^([qrpw]*)(.*)$/.exec(how)!
  return [
    // Nobody hears what comes of a job without a reply.
    ...(own.includes('q') ? ['shared'] : []),
    // A service without Runspan does not say what its part came to, and one that misses something says that it does.
    ...(/[cqp]/.test(rest) ? ['partial'] : []),
    ...(own.includes('p') ? ['no_answer'] : []),
  ]
}

function isLeaf({ attributes }: StoredSpan): boolean {
  return attributes['gen_ai.operation.name'] === 'chat'
}

function hasFailedWithoutAnswer({ status, attributes }: StoredSpan): boolean {
  return status.code === 'error' && attributes['gen_ai.usage.input_tokens'] === undefined
}

/** Whether a request was lost on its way: to a service that was not to crash, or to the model. */
function hasLostRequest(how: string, spans: readonly StoredSpan[]): boolean {
  return spans.some((span) =>
    isLeaf(span)
      ? hasFailedWithoutAnswer(span)
      : !how.includes('c') && span.name.startsWith('execute_tool') && span.status.code === 'error',
  )
}

function numbersOf({ attributes }: StoredSpan): readonly unknown[] {
  const keys = ['calls.llm', 'usage.input_tokens', 'usage.output_tokens']
  // Zeros are left out.
  return keys.map((key) => Number(attributes[`runspan.${key}`] ?? 0))
}
