/** Somebody who waits until certain batches have come to an end, whichever. */
export class FlushTicket {
  readonly settled: Promise<void>
  #resolve!: () => void
  #pending = 1

  constructor() {
    this.settled = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** One more batch to wait for. */
  hold(): void {
    this.#pending++
  }

  /** One less. The first call is for the ticket itself: everything to wait for is held then. */
  release(): void {
    if (--this.#pending === 0) this.#resolve()
  }
}
