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
  readonly naive: { readonly input: number; readonly output: number }
  readonly spans: number
  /** Why not all that was billed can be known. */
  readonly notes: readonly string[]
  /** What is wrong; empty where all is well. */
  readonly problems: readonly string[]
}

/** How long a case may keep spans open after it is done, in milliseconds. */
const patienceMillis = 2000
/** How long a case may take, in milliseconds. */
const timeoutMillis = 20_000

/** Does one case, with a server and books of its own. */
export async function runCase(
  producer: Producer,
  one: Case,
  recorder: Recorder,
  { wrapAgent, stats }: Pick<typeof Runspan, 'wrapAgent' | 'stats'>,
): Promise<CaseResult> {
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
  if (open > 0 && one.untold?.ends !== 'open' && one.failed?.open === undefined)
    problems.push(`${open} spans never ended`)
  if (stats().internalErrors > failuresBefore) problems.push('Runspan had an internal error')

  const billed = addBill(ledger, producer.showsTools ? toolCalls : 0)
  const notes = notesOf(one, ledger)
  const expected = expectedTotals(producer, one, ledger, toolCalls)
  const totals = readTotals(spans, one.below === 'server' ? 'agent' : 'run')
  for (const key of compared) {
    if (totals[key] !== expected[key]) problems.push(`${key}: billed ${expected[key]}, Runspan says ${totals[key]}`)
  }
  const isEqual = billedNumbers.every((key) => totals[key] === billed[key])
  if (!isEqual && notes.length === 0) problems.push('no note says why numbers are missing')
  if (isEqual && notes.length > 0 && one.failed === undefined)
    problems.push('a note names a number, and none is missing')
  return {
    title: one.title,
    billed,
    expected,
    totals,
    naive: naiveSum(spans),
    spans: spans.length,
    notes,
    problems: problems.length > 0 ? [...problems, drawTree(spans)] : problems,
  }
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

const refusedCalls = 'A request that is refused costs nothing. A span of its own is a call that failed.'

/** Why Runspan's numbers cannot be those of the bill; only of numbers that were billed. */
function notesOf({ untold, unsaid = {}, reduced, failed }: Case, ledger: readonly LedgerEntry[]): string[] {
  const isBilled = (read: (entry: LedgerEntry) => number) => ledger.some((entry) => read(entry) > 0)
  const { output, cacheRead, cacheWrite, cacheWriteHour, reasoning, toolCalls } = unsaid
  return [
    ledger.some((entry) => untold?.is(entry)) ? untold?.because : undefined,
    reduced?.because,
    failed?.because ?? (failed !== undefined && failed.calls > 0 ? refusedCalls : undefined),
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
    unpriced: (ends === 'unpriced' ? hidden.length : 0) + (failed.unpriced ?? 0),
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
