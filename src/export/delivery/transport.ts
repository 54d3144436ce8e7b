/**
 * What became of one attempt to send a request.
 *
 * - `answered`: the server said something, whatever it was.
 * - `lost`: no answer came: refused, reset, timed out, no such host.
 */
export type Answer =
  | {
      readonly kind: 'answered'
      readonly status: number
      /** The `Retry-After` header as it was sent. */
      readonly retryAfter: string | undefined
      /** The `Location` header of a redirect. */
      readonly location: string | undefined
      /** The body, or as much of it as came; at most 4 MiB. */
      readonly body: Uint8Array
    }
  | { readonly kind: 'lost'; readonly reason: string }

/** Carries one request to one destination. The way out of the process, so the one thing here that a test may replace. */
export interface Transport {
  /** Makes one attempt, within the time of one attempt. Never rejects. */
  send(body: Uint8Array): Promise<Answer>
  /** Gives connections up. Attempts in flight are cut off and count as lost. */
  close(): void
}
