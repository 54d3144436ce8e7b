import type { FamilyNode } from '../query/family-tree.ts'
import { isLiveSpan } from '../query/live-spans.ts'
import type { RunTree } from '../query/run-tree.ts'
import { formatCount } from './format-numbers.ts'
import type { Cell } from './table.ts'
import { oneLine } from './terminal-text.ts'
import { timeText } from './time-text.ts'

/** How a run or a place of one stands, in one word. */
export function statusCell(node: FamilyNode): Cell {
  if (node.kind !== 'run') return { text: node.kind, style: node.kind === 'spawned' ? 'waiting' : 'odd' }
  const { root, status } = node.run
  if (root === undefined)
    return isOpen(node.run) ? { text: 'open', style: 'waiting' } : { text: 'no root', style: 'odd' }
  return { text: oneLine(status ?? 'ended'), style: statusStyle(status) }
}

/** Whether the run has said that it is open: it is, unless its process was lost. */
function isOpen({ root, spans }: RunTree): boolean {
  return root === undefined && spans.some(isLiveSpan)
}

/** How a status looks. */
export function statusStyle(status: string | undefined): Cell['style'] {
  return styles.get(status) ?? 'plain'
}

const styles: ReadonlyMap<string | undefined, Cell['style']> = new Map([
  ['completed', 'good'],
  ['failed', 'bad'],
  ['cancelled', 'odd'],
  ['timeout', 'odd'],
  ['abandoned', 'odd'],
])

/** What is said of a run below its row: its id and goal, why it failed, what is missing of it. */
export function detailsOf(node: FamilyNode): readonly Cell[] {
  const first: Cell = { text: aboutOf(node).map(oneLine).join(' · '), style: 'dim' }
  return node.kind === 'run' ? [first, ...failureOf(node.run), ...missingOf(node.run), ...foreignOf(node.run)] : [first]
}

function aboutOf(node: FamilyNode): readonly string[] {
  const { runId, agent, goal } = node
  const about = [runId]
  if (node.kind === 'run') {
    const { service, isDetached, attempt } = node.run
    if (service !== undefined && service !== agent) about.push(service)
    if (isDetached) about.push('detached')
    if (attempt > 1) about.push(`attempt ${attempt}`)
  }
  return goal === undefined ? about : [...about, goal]
}

function failureOf(run: RunTree): readonly Cell[] {
  const { failure, status, statusReason } = run
  if (failure !== undefined) {
    const why = [failure.type === '_OTHER' ? undefined : failure.type, failure.message ?? statusReason]
    const text = why.filter((part) => part !== undefined).join(': ')
    return text === '' ? [] : [{ text: oneLine(`✗ ${text}`), style: status === 'failed' ? 'bad' : 'odd' }]
  }
  return statusReason === undefined ? [] : [{ text: oneLine(`✗ ${statusReason}`), style: 'odd' }]
}

function missingOf({ gaps, openSpans, totals, checkpointUnixNano }: RunTree): readonly Cell[] {
  const said: string[] = []
  if (gaps.includes('root')) said.push('its root has not come: the run is open, or its process was lost')
  if (checkpointUnixNano !== undefined) said.push(`its numbers are those of ${timeText(checkpointUnixNano)}`)
  if (gaps.includes('rollup')) said.push('a process that worked on it reports no totals: it has no RunRollupProcessor')
  if (gaps.includes('open_spans')) said.push(`${plural(openSpans, 'span')} had not ended when its totals were written`)
  if (totals.unpricedCalls > 0 && totals.costNanoUsd !== undefined) {
    said.push(`${plural(totals.unpricedCalls, 'model call')} with a price nobody knows`)
  }
  return said.map((text) => ({ text: `! ${text}`, style: 'odd' }))
}

/** What no rollup holds, by the service that did it. */
function foreignOf({ foreignParts }: RunTree): readonly Cell[] {
  const callsOf = new Map<string, number>()
  for (const { service = 'an unknown service', totals } of foreignParts) {
    callsOf.set(service, (callsOf.get(service) ?? 0) + totals.llmCalls)
  }
  return [...callsOf].map(([service, calls]) => ({
    text: oneLine(`+ ${plural(calls, 'model call')} of ${service}, which reports no totals: counted from its spans`),
    style: 'dim',
  }))
}

/** `1 span`, `2 spans`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
