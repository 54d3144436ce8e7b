import type { SpoolRecord } from '../spool/spool-segment.ts'
import type { Spool } from '../spool/spool.ts'

/** Records of the spool, for as long as batches in memory are made of their spans: one, or the parts that it was split into. */
export class HeldRecords {
  readonly #spool: Spool
  readonly #records: readonly SpoolRecord[]
  #holders = 1

  constructor(spool: Spool, records: readonly SpoolRecord[]) {
    this.#spool = spool
    this.#records = records
  }

  /** One more batch is made of them. */
  hold(): void {
    this.#holders++
  }

  /** A batch has come to its end. With the last one the records go. */
  release(): void {
    if (--this.#holders > 0) return
    for (const record of this.#records) this.#spool.forget(record)
  }

  /** @returns whether the records have these spans and no others, and keep them from now on */
  putBack(spans: number): boolean {
    const held = this.#records.reduce((sum, record) => sum + record.spans, 0)
    if (this.#holders > 1 || held !== spans) return false
    for (const record of this.#records) this.#spool.putBack(record)
    return true
  }
}
