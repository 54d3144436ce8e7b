/** What a flush did. With several destinations a span counts at each of them. */
export interface FlushReport {
  /**
   * - `completed`: everything that had ended is out.
   * - `failed`: spans were lost, now or since the last report.
   * - `timeout`: the deadline came first; what is in flight goes on.
   */
  readonly status: 'completed' | 'failed' | 'timeout'
  /**
   * Spans delivered since the last report. With an exporter of OpenTelemetry's, a partial success, which only that one
   * sees, counts as delivered.
   */
  readonly exportedSpans: number
  /** Spans lost since the last report on their way: refused, too large, malformed, or given up by a shutdown. */
  readonly failedSpans: number
  /** Spans that the destination took and threw away since the last report. */
  readonly rejectedSpans: number
  /** Spans lost since the last report, because the queue was full. */
  readonly droppedSpans: number
  /** Spans that are still on their way. */
  readonly pendingSpans: number
  /** How long this flush took. */
  readonly durationMillis: number
  /** The first failure since the last report. */
  readonly error?: unknown
}
