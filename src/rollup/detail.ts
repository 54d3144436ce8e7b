import type { Attributes } from '@opentelemetry/api'

import {
  ATTRS_RUNSPAN_COST_OF_BUCKET,
  ATTR_RUNSPAN_DETAIL_ERRORS,
  ATTR_RUNSPAN_DETAIL_MODELS,
  ATTR_RUNSPAN_DETAIL_TOOLS,
  ATTR_RUNSPAN_FAMILY_COST_NANO_USD,
  ATTR_RUNSPAN_FAMILY_INPUT_TOKENS,
  ATTR_RUNSPAN_FAMILY_OUTPUT_TOKENS,
  ATTR_RUNSPAN_FAMILY_RUNS,
} from '../attributes.ts'
import { RunspanError } from '../errors.ts'
import { CountsByName, otherName } from '../internal/counts-by-name.ts'
import { textOf } from '../internal/text-of.ts'
import type { FamilyTotals, ModelTotals, RunDetail } from '../run/types.ts'
import { costNanoUsdOf, tokenTotals } from './call-sums.ts'
import { FamilySums } from './family-sums.ts'
import { CostSums } from './cost-sums.ts'
import { otherModels, SumsByModel, type ModelSums } from './sums-by-model.ts'
import type { Sums } from './sums.ts'

/**
 * What a rollup holds beside the sums, where it is asked for. Each is bounded.
 *
 * - `costs`: cost by what it was charged for: input, cache reads and writes, output, reasoning, audio …
 * - `models`: the sums by operation, provider and model, at most 32 of them.
 * - `tools`: tool calls by tool, at most 64.
 * - `errors`: failures by `error.type`, at most 32.
 * - `family`: the run and those of its linked descendants that ended in this process before it.
 */
export type RollupDetail = 'costs' | 'models' | 'tools' | 'errors' | 'family'

const all: readonly RollupDetail[] = ['costs', 'models', 'tools', 'errors', 'family']

/** @throws {@link RunspanError} `bad_configuration` where a name is none of them */
export function checkedDetail(detail: readonly RollupDetail[] | undefined): ReadonlySet<RollupDetail> {
  const names: readonly unknown[] = detail ?? []
  if (Array.isArray(names) && names.every((name) => all.includes(name as RollupDetail))) return new Set(detail)
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure detail: ${Array.isArray(names) ? names.map((name) => textOf(name)).join(', ') : textOf(detail)} cannot be used. Pass a list of 'costs', 'models', 'tools', 'errors', 'family'.`,
  )
}

const mostTools = 64
const mostErrorTypes = 32

/** What a part counts by name. */
export class NamedCounts {
  readonly tools: CountsByName | undefined
  readonly errors: CountsByName | undefined

  constructor(kept: ReadonlySet<RollupDetail>) {
    this.tools = kept.has('tools') ? new CountsByName(mostTools) : undefined
    this.errors = kept.has('errors') ? new CountsByName(mostErrorTypes) : undefined
  }
}

/**
 * What was kept, as users read it; `undefined` where nothing was asked for.
 *
 * @param unnamed what of the sums another process did, which told its totals and no names
 */
export function detailOf(
  sums: Sums,
  kept: ReadonlySet<RollupDetail>,
  named: NamedCounts | undefined,
  family: FamilySums | undefined,
  unnamed: Sums | undefined,
): RunDetail | undefined {
  if (kept.size === 0) return undefined
  const tools = withOthers(named?.tools, unnamed?.toolCalls)
  const errors = withOthers(named?.errors, unnamed?.errors)
  return {
    ...(kept.has('costs') && { costs: costsByBucket(sums, unnamed) }),
    ...(kept.has('models') && { models: sumsByModel(sums, unnamed).map(modelTotals) }),
    ...(tools !== undefined && { tools: tools.map(([name, calls]) => ({ name, calls })) }),
    ...(errors !== undefined && { errors: errors.map(([type, count]) => ({ type, count })) }),
    ...(kept.has('family') && { family: familyTotals(sums, family) }),
  }
}

/** Writes what was kept, as JSON where it is a list: a key of its own for every model would be one without end. */
export function writeDetail(attributes: Attributes, { costs, models, tools, errors, family }: RunDetail): void {
  for (const { bucket, nanoUsd } of costs ?? []) attributes[ATTRS_RUNSPAN_COST_OF_BUCKET[bucket]] = Number(nanoUsd)
  if (models !== undefined && models.length > 0) {
    attributes[ATTR_RUNSPAN_DETAIL_MODELS] = JSON.stringify(models, (_key, value: unknown) =>
      typeof value === 'bigint' ? Number(value) : value,
    )
  }
  if (tools !== undefined && tools.length > 0) attributes[ATTR_RUNSPAN_DETAIL_TOOLS] = JSON.stringify(tools)
  if (errors !== undefined && errors.length > 0) attributes[ATTR_RUNSPAN_DETAIL_ERRORS] = JSON.stringify(errors)
  if (family === undefined || family.runs === 1) return
  attributes[ATTR_RUNSPAN_FAMILY_RUNS] = family.runs
  attributes[ATTR_RUNSPAN_FAMILY_INPUT_TOKENS] = family.inputTokens
  attributes[ATTR_RUNSPAN_FAMILY_OUTPUT_TOKENS] = family.outputTokens
  if (family.costNanoUsd !== undefined) attributes[ATTR_RUNSPAN_FAMILY_COST_NANO_USD] = Number(family.costNanoUsd)
}

function costsByBucket({ costs }: Sums, unnamed: Sums | undefined): NonNullable<RunDetail['costs']> {
  const merged = new CostSums()
  if (costs !== undefined) merged.addAll(costs, 1)
  if (unnamed !== undefined) merged.add({ undivided: unnamed.nanoUsd }, 1)
  return merged.entries().map(([bucket, nanoUsd]) => ({ bucket, nanoUsd: BigInt(nanoUsd) }))
}

function sumsByModel({ byModel }: Sums, unnamed: Sums | undefined): readonly ModelSums[] {
  if (unnamed === undefined) return byModel?.list() ?? []
  const merged = new SumsByModel()
  if (byModel !== undefined) merged.addAll(byModel, 1)
  merged.addCall(otherModels, unnamed, 1)
  return merged.list()
}

function withOthers(
  counts: CountsByName | undefined,
  others: number | undefined,
): readonly (readonly [name: string, count: number])[] | undefined {
  if (counts === undefined || others === undefined || others === 0) return counts?.entries()
  const entries = counts.entries()
  const known = entries.find(([name]) => name === otherName)?.[1] ?? 0
  return [...entries.filter(([name]) => name !== otherName), [otherName, known + others]]
}

function modelTotals(sums: ModelSums): ModelTotals {
  const { operation, provider, model } = sums.origin
  return {
    ...(operation !== undefined && { operation }),
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { model }),
    llmCalls: sums.llmCalls,
    ...tokenTotals(sums),
    costNanoUsd: costNanoUsdOf(sums),
  }
}

function familyTotals(own: Sums, below: FamilySums | undefined): FamilyTotals {
  const family = new FamilySums()
  family.addRun(own, below)
  return {
    runs: family.runs,
    llmCalls: family.llmCalls,
    inputTokens: family.input,
    outputTokens: family.output,
    costNanoUsd: costNanoUsdOf(family),
  }
}
