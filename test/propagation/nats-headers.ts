/**
 * Headers with the methods of NATS's `MsgHdrs` that matter here: names count in their exact case, `get` answers `''`
 * for what is not there, and iterating gives a list of values per name. Not the library itself, which needs no part of
 * its own for this.
 */
export class NatsHeaders implements Iterable<[string, string[]]> {
  readonly #values = new Map<string, string[]>()

  constructor(entries: readonly (readonly [string, string])[]) {
    for (const [name, value] of entries) this.set(name, value)
  }

  get(name: string): string {
    return this.#values.get(name)?.[0] ?? ''
  }

  set(name: string, value: string): void {
    this.#values.set(name, [value])
  }

  delete(name: string): void {
    this.#values.delete(name)
  }

  [Symbol.iterator](): Iterator<[string, string[]]> {
    return this.#values[Symbol.iterator]()
  }
}
