import type { RecentCalls } from './call-beside.ts'
import type { Contribution } from './contribution.ts'
import type { ToldCall } from './richer-call.ts'
import { Sums } from './sums.ts'

/** What a span has heard from the spans below it: made with its first child, because most spans have none. */
export class SpansBelow {
  /** Whether usage of anything below was counted, bounded or not. */
  hasUsage = false
  /** Counted calls that reported no usage, and those of them whose cost nobody knows. */
  silent = 0
  unpriced = 0
  /** Whether a child has failed. */
  hasFailed = false
  /** Children that have not ended, and whether a child ended before one of its own. */
  openChildren = 0
  hasOpen = false
  /** Tokens that were counted below, and those that containers claim beyond them. */
  tokens = 0
  carried = 0
  /** Model calls right below that another instrumentation's span may repeat. */
  recentCalls: RecentCalls | undefined = undefined
  /** Model calls further below that a span right below may repeat. */
  recentBelow: RecentCalls | undefined = undefined
  /** The model calls below, up to a tool or agent. */
  told: ToldCall | undefined = undefined
  /** What the span said of itself, where one below tells more of the same call. */
  own: Contribution | undefined = undefined
  #claimable: Sums | undefined

  /** The sum over what was counted below that an outer call may still claim, if there is anything. */
  get claimable(): Sums | undefined {
    return this.#claimable
  }

  /**
   * The same, made where there is none. Its `spans` are those that stand for a call without usage above them, its
   * `suppressed` those that reported usage and were counted.
   */
  toClaim(): Sums {
    return (this.#claimable ??= new Sums())
  }

  childEnded(): void {
    if (--this.openChildren > 0) return
    // With nothing open below, no call can turn out to be one of those.
    this.recentCalls = undefined
    this.recentBelow = undefined
  }

  /** It was claimed, or passed on. */
  forgetClaimable(): void {
    this.#claimable = undefined
  }
}
