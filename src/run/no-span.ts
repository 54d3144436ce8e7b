import type { WorkSpan } from './types.ts'

/** What a callback gets where there is no span: it takes everything and records nothing. */
export const noSpan: WorkSpan = Object.freeze<WorkSpan>({
  spanId: '0000000000000000',
  setInput: self,
  setOutput: self,
  setAttribute: self,
  setUsage: self,
  setError: self,
  event: self,
})

function self(this: WorkSpan): WorkSpan {
  return this
}
