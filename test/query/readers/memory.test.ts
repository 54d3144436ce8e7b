import { createMemoryReader } from '../../../src/query/readers/memory.ts'
import { describeReader } from '../reader-contract.ts'

const abilities = { knowsTotals: true, listsOpenRuns: true, keepsLists: true, keepsTraceState: true }

describeReader('spans in memory', abilities, async (spans) => {
  const reader = createMemoryReader(spans)
  return { reader, [Symbol.asyncDispose]: () => reader.close() }
})
