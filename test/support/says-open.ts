import { SPAN_RUNSPAN_CHECKPOINT, SPAN_RUNSPAN_STARTED } from '../../src/attributes.ts'

/** Whether a span only says that a run is open. Tests that are not about that leave such spans out of their trees. */
export function saysOpen(name: string): boolean {
  return name === SPAN_RUNSPAN_STARTED || name === SPAN_RUNSPAN_CHECKPOINT
}
