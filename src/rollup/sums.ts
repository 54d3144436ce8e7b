import type { Subtotal } from '../run/run-tally.ts'
import { addNumbers, numbersOf, type GrowingNumbers } from './call-sums.ts'
import type { Contribution } from './contribution.ts'
import { CostSums } from './cost-sums.ts'
import { SumsByModel } from './sums-by-model.ts'
import { UnpricedModels } from './unpriced-models.ts'

/**
 * Sums of a part: of its calls, and of what else its spans say. Pure: knows no span. It extends nothing, because every
 * run makes one, and an object of a derived class takes several times as long to make.
 */
export class Sums implements GrowingNumbers, Subtotal {
  llmCalls = 0
  input = 0
  output = 0
  cacheRead = 0
  cacheWrite = 0
  reasoning = 0
  nanoUsd = 0
  reported = 0
  priced = 0
  unpriced = 0
  toolCalls = 0
  errors = 0
  spans = 0
  suppressed = 0
  toolResults = 0
  events = 0
  retries = 0
  /** Tokens that containers claim beyond what was counted below them. */
  carried = 0
  /** The models of calls that nobody could price; made with the first. */
  unpricedModels: UnpricedModels | undefined = undefined
  /** Their cost by what it was charged for; made with the first call that says so. */
  costs: CostSums | undefined = undefined
  /** The same calls by model; made with the first call that says where it belongs. */
  byModel: SumsByModel | undefined = undefined

  /** @param sign 1 to put in, -1 to take out */
  addCall(part: Contribution, sign: 1 | -1): void {
    addNumbers(this, part, sign)
    if (part.unpricedModel !== undefined) (this.unpricedModels ??= new UnpricedModels()).add(part.unpricedModel, sign)
    if (part.buckets !== undefined) (this.costs ??= new CostSums()).add(part.buckets, sign)
    if (part.origin !== undefined) (this.byModel ??= new SumsByModel()).addCall(part.origin, part, sign)
  }

  /** @param sign 1 to put in, -1 to take out */
  addCalls(other: Sums, sign: 1 | -1): void {
    addNumbers(this, other, sign)
    if (other.unpricedModels !== undefined) {
      this.unpricedModels ??= new UnpricedModels()
      this.unpricedModels.addAll(other.unpricedModels, sign)
    }
    if (other.costs !== undefined) (this.costs ??= new CostSums()).addAll(other.costs, sign)
    if (other.byModel !== undefined) (this.byModel ??= new SumsByModel()).addAll(other.byModel, sign)
  }

  /** @param sign 1 to put in, -1 to take out */
  addSubtotal(other: Subtotal, sign: 1 | -1 = 1): void {
    addNumbers(this, other, sign)
    this.toolCalls += sign * other.toolCalls
    this.errors += sign * other.errors
    this.spans += sign * other.spans
  }

  subtotal(): Subtotal {
    const { toolCalls, errors, spans } = this
    return { ...numbersOf(this), toolCalls, errors, spans }
  }
}
