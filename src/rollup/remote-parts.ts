import type { IncompleteReason } from '../run/part-totals.ts'

/** How many segments a rollup names whose numbers it holds. What comes beyond is left to the readers. */
const maxSegments = 128

/** What a part knows of those who work on it elsewhere. */
export class RemoteParts {
  readonly #segmentIds = new Set<string>()
  readonly #reasons = new Set<IncompleteReason>()
  #expected = 0
  #partial = 0

  /** The segments whose numbers came home. */
  get segmentIds(): readonly string[] {
    return [...this.#segmentIds]
  }

  get isComplete(): boolean {
    return this.#reasons.size === 0 && this.#expected === 0
  }

  /** Why not; empty where it is complete. */
  get reasons(): readonly IncompleteReason[] {
    const reasons = [...this.#reasons]
    if (this.#partial > 0) reasons.push('partial')
    if (this.#expected > this.#partial) reasons.push('no_answer')
    return reasons
  }

  mark(reason: IncompleteReason): void {
    this.#reasons.add(reason)
  }

  expect(by: 1 | -1): void {
    this.#expected += by
  }

  sawPartial(by: 1 | -1): void {
    this.#partial += by
  }

  has(segmentId: string): boolean {
    return this.#segmentIds.has(segmentId)
  }

  /** Whether there is room for the names of so many more. */
  hasRoom(count: number): boolean {
    return this.#segmentIds.size + count <= maxSegments
  }

  add(segmentIds: readonly string[]): void {
    for (const id of segmentIds) this.#segmentIds.add(id)
  }
}
