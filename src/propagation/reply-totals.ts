import { currentPart } from '../run/run-context.ts'
import type { Segment } from '../run/segment.ts'
import { count } from '../run/stats.ts'
import { readField } from './carrier.ts'
import { repliesOf } from './expected-replies.ts'
import { tellTotals } from './tell-totals.ts'
import { parseTotals, totalsHeader } from './totals-header.ts'
import { writeField } from './write-field.ts'

/** Options of {@link injectTotals}. */
export interface ReplyOptions {
  /**
   * Which delivery of the message this is, from 1, as for `wrapAgent`. What an earlier one did is in nobody's reply, so
   * that from the second on the caller's totals stay incomplete.
   *
   * @defaultValue 1
   */
  readonly attempt?: number | undefined
}

/**
 * Writes what the joined part has come to onto its reply, so that the caller can add it with {@link takeTotals}: the
 * result of a queue's job, a message to `replyTo`, the answer to a NATS request, `_meta` of an MCP result, the last chunk
 * of a stream. HTTP answers need it only where they are streamed through fetch: middlewares tell the rest.
 *
 * Call it last, directly in the part: what is open then, or begins later, is missing, and what is open makes the reply
 * `partial`. Outside of a joined part it only takes off what a forwarded reply says of another. It never throws.
 *
 * @param carrier a record or whatever else `injectRun` can write; gets a field `runspan-totals` of at most 1 KiB
 * @returns the carrier itself
 *
 * @example
 * ```ts
 * import { extractRun, injectTotals, joinRun } from 'runspan'
 *
 * export const work = (job: { data: { file: string }; attemptsStarted: number }) =>
 *   joinRun(extractRun(job.data), () => injectTotals({ rows: job.data.file.length }, { attempt: job.attemptsStarted }))
 * ```
 */
export function injectTotals<C extends object>(carrier: C, options?: ReplyOptions): C {
  try {
    const part = currentPart()
    const isFirst = (options?.attempt ?? 1) === 1
    const told = part?.joined === true ? tellTotals(part as Segment, false, isFirst) : undefined
    writeField(carrier, totalsHeader, told?.text)
  } catch (error) {
    count('carriersNotWritten', 'the totals of a part could not be written onto a reply; it goes out as it was', error)
  }
  return carrier
}

/**
 * Adds what a reply says of its part to the current run, once per segment. Where the run was carried with
 * `expectReply`, its totals are complete once every reply has come. Calling it is the statement that whoever replied is
 * trusted with the run's numbers; what is about another run, or malformed, is counted and left out.
 *
 * Call it in the run, before that ends: in a callback of a connection, wrap that in `bindRun`.
 *
 * @param reply what {@link injectTotals} wrote onto; anything else is fine too
 * @returns the reply itself
 *
 * @example
 * ```ts
 * import { injectRun, takeTotals } from 'runspan'
 *
 * export async function load(request: (data: object) => Promise<{ rows: number }>): Promise<number> {
 *   const { rows } = takeTotals(await request(injectRun({ file: 'rows.csv' }, { expectReply: true })))
 *   return rows
 * }
 * ```
 */
export function takeTotals<R>(reply: R): R {
  const part = currentPart()
  if (part?.tally === undefined || typeof reply !== 'object' || reply === null) return reply
  try {
    const text = readField(reply, totalsHeader)
    if (text === undefined) return reply
    const totals = parseTotals(text, part.runId)
    if (totals !== undefined) repliesOf(part.tally).came(totals)
    else
      count('totalsMalformed', 'a reply’s totals could not be read, or are about another run; they were not counted.')
  } catch (error) {
    count('internalErrors', 'failed to take in the totals of a reply; its run is incomplete', error)
  }
  return reply
}
