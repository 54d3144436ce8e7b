/** Bytes that all requests in flight may hold together. */
export class ByteBudget {
  readonly #limitBytes: number
  #usedBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  /** Takes bytes, or says that there are not so many left. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#limitBytes) return false
    this.#usedBytes += bytes
    return true
  }

  /** Gives bytes back. */
  give(bytes: number): void {
    this.#usedBytes -= bytes
  }
}
