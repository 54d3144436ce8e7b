import type { SpoolRecord } from '../spool/spool-segment.ts'
import type { Spool } from '../spool/spool.ts'

/** A record of the spool, for as long as batches in memory are made of its spans: one, or the parts that it was split into. */
export class HeldRecord {
  readonly #spool: Spool
  readonly #record: SpoolRecord
  #holders = 1

  constructor(spool: Spool, record: SpoolRecord) {
    this.#spool = spool
    this.#record = record
  }

  /** One more batch is made of it. */
  hold(): void {
    this.#holders++
  }

  /** A batch has come to its end. With the last one the record goes. */
  release(): void {
    if (--this.#holders === 0) this.#spool.forget(this.#record)
  }

  /** @returns whether the record has these spans and no others, and keeps them from now on */
  putBack(spans: number): boolean {
    if (this.#holders > 1 || this.#record.spans !== spans) return false
    this.#spool.putBack(this.#record)
    return true
  }
}
