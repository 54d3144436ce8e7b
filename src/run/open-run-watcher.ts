import type { Attributes } from '@opentelemetry/api'

/** An open run that this process owns, as far as somebody needs it who writes down what would become of it. */
export interface WatchedRun {
  readonly runId: string
  /** The root span: of the SDK's, unless nothing is recorded. */
  readonly otelSpan: object
  /** What the root would carry if its process were lost now. */
  attributesIfLost(): Attributes
}

/**
 * Keeps note of the runs that this process owns, where it outlives the process: that of a process which was killed is how
 * the next one knows what it has to report as abandoned. Nothing it does may throw.
 */
export interface OpenRunWatcher {
  /** A run has opened, or has sums to tell that it had not before. */
  noted(run: WatchedRun): void
  /** A run has ended here, or is somebody else's to end. */
  left(run: WatchedRun): void
  /** Writes down at once what it was told. */
  settle(): void
}
