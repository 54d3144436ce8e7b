/** What a flush did. */
export interface FlushReport {
  /**
   * - `completed`: everything that had ended is out.
   * - `failed`: spans were lost, now or since the last report.
   * - `timeout`: the deadline came first; what is in flight goes on.
   */
  readonly status: 'completed' | 'failed' | 'timeout'
  /** Spans delivered since the last report. A partial success, which only the exporter sees, counts as delivered. */
  readonly exportedSpans: number
  /** Spans lost since the last report, because an export failed. */
  readonly failedSpans: number
  /** Spans lost since the last report, because the queue was full. */
  readonly droppedSpans: number
  /** How long this flush took. */
  readonly durationMillis: number
  /** The first failure since the last report. */
  readonly error?: unknown
}
