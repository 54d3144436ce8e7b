import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import type * as Runspan from 'runspan'

import type { LedgerEntry } from '../../examples/model-server/ledger.ts'
import { startModelServer } from '../../examples/model-server/server.ts'
import { addBill, type Numbers } from './bill.ts'
import type { Case, Producer } from './producer.ts'
import type { Recorder } from './recorder.ts'
import { naiveSum, readTotals, type Totals } from './totals.ts'

/** One row of the table. */
export interface CaseResult {
  readonly title: string
  /** Everything the server billed. */
  readonly billed: Numbers
  /** Of that, what the producer was told and passes on: what the totals have to be. */
  readonly expected: Totals
  readonly totals: Totals
  /** Calls among them that were refused, and that nobody billed. */
  readonly failedCalls: number
  /** The same with the client's `fetch` wrapped, where the producer keeps numbers to itself. */
  readonly fetched: Fetched | undefined
  readonly naive: { readonly input: number; readonly output: number }
  readonly spans: number
  /** Why not all that was billed can be known. */
  readonly notes: readonly string[]
  /** What is wrong; empty where all is well. */
  readonly problems: readonly string[]
}

/** What Runspan says of a case that is done with `llmFetch`. */
export interface Fetched {
  readonly totals: Totals
  /** Why it is not all that was billed: only what no answer says. */
  readonly notes: readonly string[]
}

/** What Runspan brings into a case. */
export type RunspanInCases = Pick<typeof Runspan, 'wrapAgent' | 'stats' | 'llmFetch'>

/** How long a case may keep spans open after it is done, in milliseconds. */
const patienceMillis = 2000
/** How long a case may take, in milliseconds. */
const timeoutMillis = 20_000

/** Does one case; and where the producer keeps numbers to itself, does it again with `llmFetch`. */
export async function runCase(
  producer: Producer,
  one: Case,
  recorder: Recorder,
  runspan: RunspanInCases,
): Promise<CaseResult> {
  const { ledger, toolCalls, spans, open, problems } = await play(one, recorder, runspan, {})
  if (open > 0 && one.untold?.ends !== 'open' && one.failed?.open === undefined)
    problems.push(`${open} spans never ended`)

  const billed = addBill(ledger, producer.showsTools ? toolCalls : 0)
  const expected = expectedTotals(producer, one, ledger, toolCalls)
  const totals = readTotals(spans, one.below === 'server' ? 'agent' : 'run')
  for (const key of compared) {
    if (totals[key] !== expected[key]) problems.push(`${key}: billed ${expected[key]}, Runspan says ${totals[key]}`)
  }
  const failedCalls = one.failed?.calls ?? 0
  const isEqual = equals({ ...totals, calls: totals.calls - failedCalls }, billed)
  const notes = notesOf(one, ledger)
  if (!isEqual && notes.length === 0) problems.push('no note says why numbers are missing')
  if (isEqual && notes.length > 0 && one.failed === undefined)
    problems.push('a note names a number, and none is missing')
  if (problems.length > 0) problems.push(drawTree(spans))
  const fetched =
    isEqual || producer.takesFetch !== true ? undefined : await runFetched(producer, one, recorder, runspan)
  return {
    title: one.title,
    billed,
    expected,
    totals,
    failedCalls,
    fetched,
    naive: naiveSum(spans),
    spans: spans.length,
    notes,
    problems: [...problems, ...(fetched?.problems ?? [])],
  }
}

/** Does a case with the client's `fetch` wrapped: all that an answer says has to be known then. */
async function runFetched(
  producer: Producer,
  one: Case,
  recorder: Recorder,
  runspan: RunspanInCases,
): Promise<Fetched & { readonly problems: readonly string[] }> {
  const anthropic = runspan.llmFetch()
  const openai = runspan.llmFetch(undefined, { provider: 'openai' })
  const fetch: typeof globalThis.fetch = (input, init) =>
    (new Request(input).url.endsWith('/messages') ? anthropic : openai)(input, init)
  const { ledger, toolCalls, spans, problems } = await play(one, recorder, runspan, { fetch })
  const read = one.unread === undefined ? ledger : []
  const told = read.filter(({ usageSent, endpoint }) => usageSent || endpoint === '/v1/messages')
  const unsent = read.filter(({ usageSent }) => !usageSent)
  const sums = addBill(
    told.map((entry) => (entry.usageSent ? entry : { ...entry, outputTokens: 0, reasoningOutputTokens: 0 })),
    producer.showsTools ? toolCalls : 0,
  )
  const expected = { ...sums, calls: read.length + (one.failed?.calls ?? 0), unpriced: unsent.length }
  const totals = readTotals(spans, one.below === 'server' ? 'agent' : 'run')
  for (const key of [...billedNumbers, 'unpriced'] as const) {
    if (totals[key] !== expected[key])
      problems.push(`with llmFetch, ${key}: billed ${expected[key]}, Runspan says ${totals[key]}`)
  }
  if (problems.length > 0) problems.push(drawTree(spans))
  return { totals, notes: one.unread === undefined ? [...new Set(unsent.map(unsentNote))] : [one.unread], problems }
}

/** What the provider itself did not say. */
function unsentNote({ endpoint, status }: LedgerEntry): string {
  if (endpoint === '/v1/messages')
    return 'Anthropic says the output of a stream at its end. Who hangs up before learns the input only.'
  return status === 'aborted'
    ? 'OpenAI says the usage at the end of a stream. Who hangs up before does not learn it.'
    : 'OpenAI says the usage of a stream only where `include_usage` asks for it.'
}

/** Whether all that was billed is what Runspan says. */
function equals(totals: Numbers, billed: Numbers): boolean {
  return billedNumbers.every((key) => totals[key] === billed[key])
}

/** What a case left behind. */
interface Played {
  readonly ledger: readonly LedgerEntry[]
  readonly toolCalls: number
  readonly spans: readonly ReadableSpan[]
  readonly open: number
  readonly problems: string[]
}

/** Does a case, with a server and books of its own. */
async function play(
  one: Case,
  recorder: Recorder,
  { wrapAgent, stats }: RunspanInCases,
  fetching: { readonly fetch?: typeof globalThis.fetch },
): Promise<Played> {
  const { refused = [] } = one
  const server = await startModelServer({
    latencyMillis: 1,
    eventMillis: 1,
    // A short prompt is enough to be cached.
    cacheMinimumTokens: 128,
    refuse: (request) => refused[request - 1],
    stallAfterEvents: one.hangsUpAfter,
  })
  let toolCalls = 0
  const kit = {
    baseUrl: server.baseUrl,
    origin: new URL(server.baseUrl).origin,
    search(query: string) {
      toolCalls++
      return `What is known about ${query}: spans have parents, links and attributes.`
    },
    toolRan() {
      toolCalls++
    },
    fetching,
  }
  const problems: string[] = []
  const failuresBefore = stats().internalErrors
  try {
    await withTimeout(async () => {
      if (one.below === 'server') await belowServer(() => one.run(kit))
      else if (one.adopted === true) await one.run(kit)
      else {
        const { ended } = await wrapAgent(one.title, async () => {
          await one.run(kit)
        })
        await ended
      }
    })
  } catch (error) {
    problems.push(`the case failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
  await withTimeout(() => server.settled()).catch(() => problems.push('the server is still answering'))
  const ledger = one.billed ?? server.ledger
  await server.close()
  const { spans, open } = await recorder.take(patienceMillis)
  if (stats().internalErrors > failuresBefore) problems.push('Runspan had an internal error')
  return { ledger, toolCalls, spans, open, problems }
}

/** Does it in a span as an HTTP instrumentation makes one around the handler of a request. */
async function belowServer(work: () => unknown): Promise<void> {
  await trace
    .getTracer('@opentelemetry/instrumentation-http')
    .startActiveSpan(
      'POST /chat',
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': 'POST', 'http.route': '/chat' } },
      async (span) => {
        await work()
        span.end()
      },
    )
}

async function withTimeout(work: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${timeoutMillis} ms`)), timeoutMillis)
  })
  try {
    await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

/** Why Runspan's numbers cannot be those of the bill; only of numbers that were billed. */
function notesOf({ untold, unsaid = {}, reduced, failed }: Case, ledger: readonly LedgerEntry[]): string[] {
  const isBilled = (read: (entry: LedgerEntry) => number) => ledger.some((entry) => read(entry) > 0)
  const { output, cacheRead, cacheWrite, cacheWriteHour, reasoning, toolCalls } = unsaid
  return [
    ledger.some((entry) => untold?.is(entry)) ? untold?.because : undefined,
    reduced?.because,
    failed?.because,
    output,
    isBilled((entry) => entry.cachedInputTokens) ? cacheRead : undefined,
    isBilled((entry) => entry.cacheWriteInputTokens) ? cacheWrite : undefined,
    isBilled((entry) => entry.cacheWriteHourInputTokens) ? cacheWriteHour : undefined,
    isBilled((entry) => entry.reasoningOutputTokens) ? reasoning : undefined,
    toolCalls,
  ].filter((note) => note !== undefined)
}

const billedNumbers = [
  'calls',
  'input',
  'output',
  'cacheRead',
  'cacheWrite',
  'reasoning',
  'toolCalls',
  'nanoUsd',
] as const
const compared = [...billedNumbers, 'unpriced', 'openSpans'] as const

function expectedTotals(producer: Producer, one: Case, ledger: readonly LedgerEntry[], toolCalls: number): Totals {
  const { untold, unsaid = {}, reduced, failed = { calls: 0 } } = one
  const ends = untold?.ends ?? 'unpriced'
  const isShown = ends === 'unpriced' || ends === 'failed'
  const hidden = untold === undefined ? [] : ledger.filter((entry) => untold.is(entry))
  const told = ledger
    .filter((entry) => !hidden.includes(entry))
    .map((entry) => ({
      ...(reduced?.to(entry) ?? entry),
      ...(unsaid.output !== undefined && { outputTokens: 0, reasoningOutputTokens: 0 }),
      ...(unsaid.cacheRead !== undefined && { cachedInputTokens: 0 }),
      ...(unsaid.cacheWrite !== undefined && { cacheWriteInputTokens: 0, cacheWriteHourInputTokens: 0 }),
      ...(unsaid.cacheWriteHour !== undefined && { cacheWriteHourInputTokens: 0 }),
      ...(unsaid.reasoning !== undefined && { reasoningOutputTokens: 0 }),
    }))
  const sums = addBill(told, producer.showsTools && unsaid.toolCalls === undefined ? toolCalls : 0)
  return {
    ...sums,
    calls: sums.calls + (isShown ? hidden.length : 0) + failed.calls,
    unpriced:
      (ends === 'unpriced' ? hidden.length : 0) +
      (unsaid.output === undefined ? 0 : told.length) +
      (failed.unpriced ?? 0),
    openSpans: (ends === 'open' ? hidden.length : 0) + (failed.open ?? 0),
    suppressed: 0,
  }
}

/** The spans as an indented text, with everything about usage: what somebody needs who mends a rule. */
function drawTree(spans: readonly ReadableSpan[]): string {
  const idOf = (span: (typeof spans)[number]) => span.spanContext().spanId
  const ids = new Set(spans.map(idOf))
  const draw = (parent: string | undefined, indent: string): string[] =>
    spans
      .filter(({ parentSpanContext }) =>
        parent === undefined
          ? parentSpanContext === undefined || !ids.has(parentSpanContext.spanId)
          : parentSpanContext?.spanId === parent,
      )
      .flatMap((span) => {
        const shown = Object.entries(span.attributes).filter(([key]) => shownKeys.test(key) && !hiddenKeys.test(key))
        const text = shown.map(([key, value]) => `${indent}  · ${key}=${String(value).slice(0, 200)}`)
        const { name, instrumentationScope, status } = span
        const head = `${indent}${name} [${instrumentationScope.name}]${status.code === SpanStatusCode.ERROR ? ' ERROR' : ''}`
        return [head, ...text, ...draw(idOf(span), `${indent}  `)]
      })
  return draw(undefined, '  ').join('\n    ')
}

const shownKeys = /token|usage|cost|model|provider|system|kind|operation|type|runspan|tool/i
const hiddenKeys = /message|prompt\.|prompts|completions|schema|settings|tools|\.content/
