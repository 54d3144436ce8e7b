import { RunspanError } from '../errors.ts'
import { familiesOf, findFamily, walkFamily, type Family } from './family-tree.ts'
import { listedRunOf } from './listed-run.ts'
import { mapLimited } from './map-limited.ts'
import { maxPageLimit } from './page.ts'
import { readForeignWork } from './read-foreign-work.ts'
import { dispatcherOf, isRunKey, resolveRun } from './resolve-run.ts'
import type { FamilyFlag, FamilyOptions, ListedRun, StoredFamily } from './run-reader.ts'
import { runTreeOf, type RunTree } from './run-tree.ts'
import { runTreesAmong } from './run-trees.ts'
import type { SpanSource, TraceOutline } from './span-source.ts'

const defaultMaxRuns = 1_000
/** How far the clock of a child may be behind that of its parent. A search of all times is what stores are slowest at. */
const clockSkewMillis = 86_400_000

/** Reads the family of a run. @throws {@link RunspanError} `bad_request` where `maxRuns` is no number of runs */
export async function readFamily(
  source: SpanSource,
  runId: string,
  { maxRuns = defaultMaxRuns }: FamilyOptions,
): Promise<StoredFamily | undefined> {
  if (!Number.isSafeInteger(maxRuns) || maxRuns < 1) {
    throw new RunspanError(
      'bad_request',
      `Failed to read a family: maxRuns cannot be ${String(maxRuns)}. Use 1 or more.`,
    )
  }
  const walk = new FamilyWalk(source, maxRuns)
  const start = await walk.load(runId, true)
  const top = await walk.up(start ?? runId)
  await walk.down(top)
  const family = findFamily(familiesOf(await walk.runs()), start ?? runId)
  return family === undefined ? undefined : storedFamilyOf(source, family, start ?? runId, walk)
}

/**
 * Walks a family: up to the first run, then down, a generation at a time. What it has read it keeps, as outlines, and
 * never reads twice: parents may go in circles.
 */
class FamilyWalk {
  readonly #source: SpanSource
  readonly #maxRuns: number
  readonly #traces = new Map<string, TraceOutline>()
  /** Ids that were asked for and are not there. */
  readonly #absent = new Set<string>()
  isCut = false

  constructor(source: SpanSource, maxRuns: number) {
    this.#source = source
    this.#maxRuns = maxRuns
  }

  #startMillisOf(runId: string): number | undefined {
    const tree = this.#tree(runId)
    // Of a run without a root nobody knows when it began.
    return tree?.root === undefined ? undefined : Number(tree.startUnixNano / 1_000_000n)
  }

  /** The runs that were read, with what no rollup of them holds. */
  async runs(): Promise<readonly RunTree[]> {
    const traces = [...this.#traces.values()]
    const work = await mapLimited(
      traces,
      async (trace) => [trace.traceId, await readForeignWork(this.#source, trace)] as const,
    )
    const foreign = new Map(work)
    return runTreesAmong(
      traces.flatMap(({ outline }) => outline),
      (traceId) => foreign.get(traceId),
    )
  }

  get traces(): Iterable<TraceOutline> {
    return this.#traces.values()
  }

  /**
   * Reads a run.
   *
   * @param isAskedFor whether a later execution may stand for it; elsewhere that is a run of its own
   * @returns its own id; `undefined` where it is not there, or there is no room
   */
  async load(runId: string, isAskedFor = false): Promise<string | undefined> {
    if (this.#traces.has(runId)) return runId
    if (this.#absent.has(runId)) return undefined
    const found = await resolveRun(this.#source, runId, 0)
    if (found !== undefined && (found.foundBy !== 'first_run_id' || isAskedFor)) {
      return this.#keep(found.trace) ? found.trace.traceId : undefined
    }
    this.#absent.add(runId)
    return undefined
  }

  #keep(trace: TraceOutline): boolean {
    if (this.#traces.has(trace.traceId)) return true
    if (this.#traces.size >= this.#maxRuns) {
      this.isCut = true
      return false
    }
    this.#traces.set(trace.traceId, withoutSpans(trace))
    return true
  }

  #tree(runId: string): RunTree | undefined {
    const trace = this.#traces.get(runId)
    return trace && runTreeOf(runId, trace.outline)
  }

  /** @returns the first run, or the topmost one that anything names */
  async up(from: string): Promise<string> {
    const seen = new Set<string>()
    let at = from
    for (;;) {
      seen.add(at)
      const tree = this.#tree(at)
      const named =
        tree?.parentRunId ?? (tree?.root === undefined ? (await dispatcherOf(this.#source, at))?.traceId : undefined)
      // A parent that is gone hides those above it; the child may know the first run.
      const parent = named === undefined ? undefined : ((await this.load(named)) ?? named)
      if (parent === undefined || seen.has(parent)) return at
      if (
        !this.#traces.has(parent) &&
        tree?.rootRunId !== undefined &&
        (await this.load(tree.rootRunId)) !== undefined
      ) {
        return tree.rootRunId
      }
      at = parent
    }
  }

  async down(top: string): Promise<void> {
    // Those below a run that is gone are found by the first run, where they know it.
    let generation = [top, ...(await this.#keepAll(top, { rootRunId: top }))]
    const seen = new Set<string>()
    while (generation.length > 0) {
      for (const id of generation) seen.add(id)
      const next = await mapLimited(generation, (id) => this.#below(id))
      generation = [...new Set(next.flat())].filter((id) => !seen.has(id))
    }
  }

  async #below(runId: string): Promise<readonly string[]> {
    const tree = this.#tree(runId)
    const ids = await this.#keepAll(runId, { parentRunId: runId })
    if (tree?.requestedRunId !== undefined)
      ids.push(...(await this.#keepAll(runId, { parentRunId: tree.requestedRunId })))
    for (const { childRunId, isParent } of tree?.dispatches ?? []) {
      // A child without a root names nobody. One that is absent has its place by this dispatch.
      if (isParent && !ids.includes(childRunId)) ids.push((await this.load(childRunId)) ?? childRunId)
    }
    // A parent that is gone may have other children.
    if (tree?.parentRunId !== undefined) ids.push((await this.load(tree.parentRunId)) ?? tree.parentRunId)
    return ids
  }

  /** @param above the run that they name: they started after it */
  async #keepAll(
    above: string,
    names: { readonly parentRunId: string } | { readonly rootRunId: string },
  ): Promise<string[]> {
    const startMillis = this.#startMillisOf(above)
    const filter = startMillis === undefined ? names : { ...names, fromUnixMillis: startMillis - clockSkewMillis }
    const ids: string[] = []
    for (let offset = 0; ; offset += maxPageLimit) {
      const { traces, hasMore, flags } = await this.#source.findRuns(filter, offset, maxPageLimit, this.#traces)
      if (flags.includes('cut')) this.isCut = true
      for (const trace of traces) if (this.#keep(trace)) ids.push(trace.traceId)
      if (!hasMore || this.#traces.size >= this.#maxRuns) {
        if (hasMore) this.isCut = true
        return ids
      }
    }
  }
}

/** Spans go once what no rollup holds has been counted: a family may be large. */
function withoutSpans(trace: TraceOutline): TraceOutline {
  const { traceId, outline, isMarked, lastEndUnixNano, isTruncated, isEvicted, foreignWork } = trace
  const work = foreignWork?.()
  const kept = { traceId, outline, isMarked, lastEndUnixNano, isTruncated, isEvicted }
  return foreignWork === undefined ? kept : { ...kept, foreignWork: () => work }
}

async function storedFamilyOf(
  source: SpanSource,
  family: Family,
  runId: string,
  walk: FamilyWalk,
): Promise<StoredFamily> {
  const nodes = [...walkFamily(family.root)].map(({ node }) => node)
  const runs = new Map(nodes.flatMap((node) => (node.kind === 'run' ? [[node.runId, node.run] as const] : [])))
  const flags = new Set<FamilyFlag>()
  if (family.missingCount > 0) flags.add('runs_missing')
  if (walk.isCut) flags.add('cut')
  if ([...runs.values()].some(({ gaps }) => gaps.length > 0)) flags.add('incomplete_numbers')
  for (const { traceId, isTruncated, isEvicted } of walk.traces) {
    if (!runs.has(traceId)) continue
    if (isTruncated) flags.add('truncated')
    if (isEvicted) flags.add('evicted')
  }
  const asked = runs.get(runId)
  return {
    ...family,
    // A flag that the family itself cannot see.
    isComplete: family.isComplete && !walk.isCut,
    runId,
    ownTotals: asked?.ownTotals,
    runTotals: asked?.totals,
    otherExecutions: await otherExecutions(source, family, runs),
    flags: [...flags],
  }
}

async function otherExecutions(
  source: SpanSource,
  { root }: Family,
  inFamily: ReadonlyMap<string, RunTree>,
): Promise<readonly ListedRun[]> {
  const first = root.kind === 'run' ? (root.run.firstRunId ?? root.runId) : root.runId
  if (!isRunKey(first)) return []
  const { traces } = await source.findRuns({ firstRunId: first }, 0, maxPageLimit)
  const itself = inFamily.has(first) ? undefined : await source.readTrace(first, 0)
  return [...traces, ...(itself === undefined ? [] : [itself])]
    .filter(({ traceId }) => !inFamily.has(traceId))
    .map(listedRunOf)
}
