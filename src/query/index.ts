/**
 * Stored spans become runs again. In: spans from a receiver or a store, in any order and with gaps. Out: runs with their
 * totals, and families of runs. Called by the viewer and the command line, and by whoever keeps spans of their own.
 *
 * @module
 */
export { createRunReader } from './create-run-reader.ts'
export type { Dispatch } from './dispatch.ts'
export {
  buildFamilies,
  findFamily,
  walkFamily,
  type AbsentNode,
  type Family,
  type FamilyNode,
  type RunNode,
} from './family-tree.ts'
export { walkPages, type Page, type PageFlag, type PageRequest, type WalkPagesOptions } from './page.ts'
export type { AgentPart } from './agent-part.ts'
export type { ForeignPart, ForeignWork } from './foreign-parts.ts'
export type { Gap, Part } from './part.ts'
export type { RunDescription } from './run-description.ts'
export type { RunFilter } from './run-filter.ts'
export type {
  FamilyFlag,
  FamilyOptions,
  GetRunOptions,
  IterateSpansOptions,
  ListedRun,
  ListedThread,
  ParentRun,
  Review,
  RunFlag,
  RunReader,
  StoredFamily,
  StoredRun,
  StoredThread,
  ThreadFilter,
  ThreadOptions,
} from './run-reader.ts'
export type { RunTree } from './run-tree.ts'
export { runTreesOf } from './run-trees.ts'
export type { Segment } from './segment.ts'
export { spanForest, type SpanNode } from './span-forest.ts'
export type {
  FoundThreads,
  FoundTraces,
  NamingKey,
  SpanSource,
  StoredTrace,
  ThreadQuery,
  TraceOutline,
} from './span-source.ts'
export { storedTraceOf } from './stored-trace.ts'
export type {
  StoredAttributes,
  StoredEvent,
  StoredLink,
  StoredResource,
  StoredScope,
  StoredSpan,
  StoredSpanKind,
  StoredStatus,
  StoredValue,
} from './stored-span.ts'
export type { CostSource, Totals } from './totals.ts'
