import { subscribe } from 'node:diagnostics_channel'

import type { ExpectedPart } from '../run/part-totals.ts'
import type { RunPart } from '../run/run-part.ts'
import type { RunTally } from '../run/run-tally.ts'
import { count } from '../run/stats.ts'
import { repliesOf } from './expected-replies.ts'
import { parseTotals, totalsHeader } from './totals-header.ts'

/** A request on its way to a service that may answer with the totals of its part. */
interface Expected {
  readonly runId: string
  readonly tally: RunTally
  readonly part: ExpectedPart
  /** Whether anything may have reached the service. */
  wasSent: boolean
}

const expected = new WeakMap<object, Expected>()

/** Takes note that a request carries the run of `part` to a service of the application. Once per request. */
export function expectAnswer(request: object, part: RunPart): void {
  if (part.tally === undefined || expected.has(request)) return
  listen()
  const { runId, tally } = part
  expected.set(request, { runId, tally, part: tally.expectPart(), wasSent: false })
}

let isListening = false

function listen(): void {
  if (isListening) return
  isListening = true
  on('undici:client:sendHeaders', ({ request }) => {
    const entry = expected.get(request)
    if (entry !== undefined) entry.wasSent = true
  })
  on('undici:request:headers', ({ request, response }) => take(request, response?.headers))
  // `fetch` shows its user no trailers, but undici reads them.
  on('undici:request:trailers', ({ request, trailers }) => take(request, trailers))
  on('undici:request:error', ({ request }) => {
    const entry = expected.get(request)
    if (entry?.wasSent === false) entry.part.withdraw()
  })
  on('http.client.response.finish', ({ request, response }) => {
    const entry = expected.get(request)
    if (entry === undefined) return
    takeText(entry, fieldOf(response?.headers))
    response?.on?.('end', () => takeText(entry, fieldOf(response.trailers)))
  })
}

/** What the channels say: undici's headers are bytes, names and values in turn; those of `node:http` are a record. */
interface ChannelMessage {
  readonly request: object
  readonly response?: {
    readonly headers?: unknown
    readonly trailers?: unknown
    on?(event: 'end', listener: () => void): unknown
  }
  readonly trailers?: unknown
}

function fieldOf(headers: unknown): unknown {
  return (headers as Readonly<Record<string, unknown>> | undefined)?.[totalsHeader]
}

/** @param headers undici's: names and values in turn, as bytes */
function take(request: object, headers: unknown): void {
  const entry = expected.get(request)
  if (entry === undefined || !Array.isArray(headers)) return
  for (let at = 0; at + 1 < headers.length; at += 2) {
    // Their lengths first: to make text of every name would cost more than all else that is done with an answer.
    const name = headers[at] as Buffer | string
    if (name.length !== totalsHeader.length || String(name).toLowerCase() !== totalsHeader) continue
    takeText(entry, String(headers[at + 1]))
  }
}

function takeText({ part, runId, tally }: Expected, text: unknown): void {
  if (text === undefined) return
  const totals = parseTotals(text, runId)
  if (totals === undefined) {
    count('totalsMalformed', `a ${totalsHeader} header could not be read, or is about another run; it was not counted.`)
    return
  }
  part.came(totals)
  // The last word may come with what the application itself reads.
  if (totals.state === 'partial') repliesOf(tally).know(totals.segmentId, part)
}

function on(channel: string, listener: (message: ChannelMessage) => void): void {
  subscribe(channel, (message) => {
    try {
      listener(message as ChannelMessage)
    } catch (error) {
      count('internalErrors', 'failed to take in the totals of a part; its run is incomplete', error)
    }
  })
}
