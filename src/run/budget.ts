import { RunspanError } from '../errors.ts'
import { textOf } from '../internal/text-of.ts'
import type { RunBudget } from './types.ts'

const limits = ['costUsd', 'inputTokens', 'outputTokens', 'totalTokens', 'llmCalls', 'toolCalls'] as const

/** @throws {@link RunspanError} `bad_configuration` where a limit is no number that can limit anything */
export function checkBudget(budget: RunBudget | undefined): void {
  if (budget === undefined) return
  const entries: readonly (readonly [string, unknown])[] = Object.entries(budget)
  for (const [name, value] of entries) {
    const isKnown = (limits as readonly string[]).includes(name)
    if (isKnown && (value === undefined || (typeof value === 'number' && value >= 0))) continue
    throw new RunspanError(
      'bad_configuration',
      `Failed to set the budget of a run: ${name} ${textOf(value)} cannot be used. Use ${limits.join(', ')}, each a number that is not negative.`,
    )
  }
}

/** What a run has used of a budget. */
export type Spending = Readonly<Record<Exclude<keyof RunBudget, 'totalTokens'>, number>>

/** The error of the first limit that is passed, or `undefined` within the budget. A limit may be reached, not passed. */
export function budgetError(runId: string, budget: RunBudget, spent: Spending): RunspanError | undefined {
  for (const limit of limits) {
    const most = budget[limit]
    const used = limit === 'totalTokens' ? spent.inputTokens + spent.outputTokens : spent[limit]
    if (most === undefined || used <= most) continue
    return new RunspanError(
      'budget_exceeded',
      `Stopped run ${runId}: ${limit} ${used} is over the budget of ${most}. Raise the budget, or look at what the run did.`,
    )
  }
  return undefined
}
