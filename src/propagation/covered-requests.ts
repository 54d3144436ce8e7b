/** Whether the answer to an outgoing request is looked at, where something looks. */
type Covers = (request: object) => boolean

const covers = new Set<Covers>()

/** Says which requests somebody looks after. Returns what takes that back. */
export function cover(isCoveredHere: Covers): () => void {
  covers.add(isCoveredHere)
  return () => covers.delete(isCoveredHere)
}

/** Whether what this request's service says of its part will be heard. */
export function isCovered(request: object): boolean {
  for (const isCoveredBy of covers) if (isCoveredBy(request)) return true
  return false
}

/** Whether anybody has said which hosts are services of the application: all others then are none. */
export function knowsServices(): boolean {
  return covers.size > 0
}
