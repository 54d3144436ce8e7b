import { ATTR_RUNSPAN_INPUT, ATTR_RUNSPAN_OUTPUT } from '../attributes.ts'
import { textAt } from './attribute-values.ts'
import { runKeyOf } from './run-key.ts'
import type { RunTree } from './run-tree.ts'

/** Which runs are wanted. What is left out matters not; all that is given has to fit. */
export interface RunFilter {
  /** Name of the agent, exactly. */
  readonly agent?: string | undefined
  /** The service that wrote the root, exactly. */
  readonly service?: string | undefined
  readonly userId?: string | undefined
  readonly conversationId?: string | undefined
  /** completed, failed, cancelled, timeout or abandoned; `open` are runs whose root has not come. */
  readonly status?: string | undefined
  /** The run that started them, in any form of its id. */
  readonly parentRunId?: string | undefined
  /** The first run of their family, where they know it. */
  readonly rootRunId?: string | undefined
  /** The id that was asked for and could not be kept. */
  readonly requestedRunId?: string | undefined
  /** The run that they are later executions of. */
  readonly firstRunId?: string | undefined
  /** Runs that started at this time or later, in milliseconds since the epoch. */
  readonly fromUnixMillis?: number | undefined
  /** Runs that started before this time, in milliseconds since the epoch. */
  readonly toUnixMillis?: number | undefined
  /** Runs that cost at least this, in billionths of a US dollar, joined parts included. One without a cost costs nothing. */
  readonly minCostNanoUsd?: bigint | undefined
  /** Runs that cost at most this, in billionths of a US dollar. */
  readonly maxCostNanoUsd?: bigint | undefined
  /** Text that is somewhere in agent, goal, status reason, failure, input or output of the root; case does not matter. */
  readonly text?: string | undefined
}

/** Whether runs may be wanted whose root has not come. */
export function mayBeOpen({ status }: RunFilter): boolean {
  return status === undefined || status === 'open'
}

/** The keys of a filter that hold a run id. */
const idKeys = ['parentRunId', 'rootRunId', 'requestedRunId', 'firstRunId'] as const

/** The filter with its run ids as stored spans have them. */
export function normalised(filter: RunFilter): RunFilter {
  const ids = idKeys.flatMap((key) => {
    const id = filter[key]
    return id === undefined ? [] : [[key, runKeyOf(id)] as const]
  })
  return { ...filter, ...Object.fromEntries(ids) }
}

/** Whether a run is wanted. */
export function fits(filter: RunFilter, run: RunTree): boolean {
  return (
    same(filter.agent, run.agent) &&
    same(filter.service, run.service) &&
    same(filter.userId, run.userId) &&
    same(filter.conversationId, run.conversationId) &&
    same(filter.status, run.root === undefined ? 'open' : run.status) &&
    same(filter.parentRunId, run.parentRunId) &&
    same(filter.rootRunId, run.rootRunId) &&
    same(filter.requestedRunId, run.requestedRunId) &&
    same(filter.firstRunId, run.firstRunId) &&
    isInTime(filter, run.startUnixNano) &&
    isInCost(filter, run.totals.costNanoUsd ?? 0n) &&
    (filter.text === undefined || searchTextOf(run).includes(filter.text.toLowerCase()))
  )
}

function same(wanted: string | undefined, is: string | undefined): boolean {
  return wanted === undefined || wanted === is
}

function isInTime({ fromUnixMillis, toUnixMillis }: RunFilter, startUnixNano: bigint): boolean {
  return (
    (fromUnixMillis === undefined || startUnixNano >= nanosOf(fromUnixMillis)) &&
    (toUnixMillis === undefined || startUnixNano < nanosOf(toUnixMillis))
  )
}

function isInCost({ minCostNanoUsd, maxCostNanoUsd }: RunFilter, costNanoUsd: bigint): boolean {
  return (
    (minCostNanoUsd === undefined || costNanoUsd >= minCostNanoUsd) &&
    (maxCostNanoUsd === undefined || costNanoUsd <= maxCostNanoUsd)
  )
}

/** Milliseconds since the epoch as nanoseconds. */
export function nanosOf(unixMillis: number): bigint {
  return BigInt(Math.round(unixMillis)) * 1_000_000n
}

/** What {@link RunFilter.text} looks into, in lower case. */
export function searchTextOf({ root, agent, goal, statusReason, failure }: RunTree): string {
  const attributes = root?.attributes ?? {}
  return [
    agent,
    goal,
    statusReason,
    failure?.type,
    failure?.message,
    textAt(attributes, ATTR_RUNSPAN_INPUT),
    textAt(attributes, ATTR_RUNSPAN_OUTPUT),
  ]
    .filter((text) => text !== undefined)
    .join('\n')
    .toLowerCase()
}
