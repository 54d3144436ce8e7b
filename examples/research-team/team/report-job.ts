import type { RunRef } from 'runspan'

/** What the planner leaves in the queue for the writer. JSON-safe, the run's ref included. */
export interface ReportJob {
  /** The writer's run, minted by the planner's `run.spawn`. */
  readonly ref: RunRef
  readonly conversationId: string
  readonly title: string
  readonly findings: string
}

/** What the writer leaves behind. */
export interface WrittenReport {
  readonly runId: string
  readonly status: string
  readonly file: string
  /** When the first and the last chunk reached the file, in milliseconds since the epoch. */
  readonly firstChunkMillis: number
  readonly lastChunkMillis: number
}
