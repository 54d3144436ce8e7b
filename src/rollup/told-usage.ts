import { CallSums, addNumbers, callNumberNames } from './call-sums.ts'
import type { CallOrigin } from './contribution.ts'
import { keyOf, type SumsByModel } from './sums-by-model.ts'

/** What a model's calls add to counters now. */
export type TellUsage = (origin: CallOrigin, news: CallSums) => void

interface Account {
  readonly origin: CallOrigin
  readonly due: CallSums
  readonly told: CallSums
}

/**
 * What counters have been told of one part, and what it came to by now. A counter cannot go back: what a late span takes
 * out again is made up for by what comes later, and stays counted where nothing does.
 */
export class ToldUsage {
  readonly #accounts = new Map<string, Account>()

  /** Takes in what has come. */
  add(sums: SumsByModel | undefined): void {
    for (const model of sums?.list() ?? []) {
      const key = keyOf(model.origin)
      let account = this.#accounts.get(key)
      if (account === undefined) {
        account = { origin: model.origin, due: new CallSums(), told: new CallSums() }
        this.#accounts.set(key, account)
      }
      addNumbers(account.due, model, 1)
    }
  }

  /** Tells what has not been told. */
  tell(to: TellUsage): void {
    // A container that knows a cost speaks for calls of which nobody named the model: it has fewer than none itself.
    let spokenFor = 0
    for (const { due } of this.#accounts.values()) spokenFor += Math.max(0, -due.unpriced)
    for (const { origin, due, told } of this.#accounts.values()) {
      const news = new CallSums()
      for (const name of callNumberNames) news[name] = Math.max(0, due[name] - told[name])
      const taken = Math.min(spokenFor, Math.max(0, due.unpriced))
      spokenFor -= taken
      news.unpriced = Math.max(0, due.unpriced - taken - told.unpriced)
      addNumbers(told, news, 1)
      if (callNumberNames.some((name) => news[name] > 0)) to(origin, news)
    }
  }
}
