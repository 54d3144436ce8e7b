import type { StoredSpan } from '../../src/query/stored-span.ts'
import { otlpJson } from './otlp-json.ts'
import { serve, type Served } from './serve.ts'

const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']
const codes = ['UNSET', 'OK', 'ERROR']
const maxDurationSeconds = 7 * 86_400

/**
 * Stands in for Tempo where none runs: answers as its documentation says, with the traps that were measured on a 3.0:
 * base64 ids and names of enums in traces, ids without the zeros they begin with in searches, an empty list for nothing.
 */
export function startTempoStandIn(spans: readonly StoredSpan[], isPartial = false): Promise<Served> {
  return serve((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://localhost')
    const json = (value: object): void =>
      void response.setHeader('content-type', 'application/json').end(JSON.stringify(value))
    if (pathname === '/api/echo') return void response.end('echo')
    if (pathname === '/api/search') {
      const wanted = conditionsOf(searchParams.get('q') ?? '')
      const [start, end] = [Number(searchParams.get('start')), Number(searchParams.get('end'))]
      if (end - start > maxDurationSeconds) {
        return void response.writeHead(400).end('range specified by start and end exceeds 168h0m0s')
      }
      const [from, to] = [BigInt(start) * 1_000_000_000n, BigInt(end) * 1_000_000_000n]
      const found = spans.filter(
        (span) => span.startUnixNano >= from && span.startUnixNano < to && wanted.every((fits) => fits(span)),
      )
      const ids = [...new Set(found.map(({ traceId }) => traceId))].slice(0, Number(searchParams.get('limit')))
      return json({ traces: ids.map((id) => ({ traceID: id.replace(/^0+/, '') })), metrics: {} })
    }
    const traceId = /^\/api\/v2\/traces\/([0-9a-f]{32})$/.exec(pathname)?.[1]
    const trace = spans.filter((span) => span.traceId === traceId)
    if (trace.length === 0) return void response.writeHead(404).end()
    return json({ trace: asTempo(trace), ...(isPartial ? { status: 'PARTIAL' } : {}), metrics: {} })
  })
}

/** Reads `{ (span.a = "b" || span.c = true) && resource.d = "e" }`, which is all that a reader asks. */
function conditionsOf(q: string): readonly ((span: StoredSpan) => boolean)[] {
  const [, either, rest] = /^\{ (?:\((.*?)\)(?: && )?)?(.*) \} with \(most_recent=true\)$/.exec(q) ?? []
  if (rest === undefined) throw new Error(`This stand-in cannot read ${q}`)
  const any = either === undefined ? [] : equalitiesIn(either)
  return [...(any.length === 0 ? [] : [(span: StoredSpan) => any.some((fits) => fits(span))]), ...equalitiesIn(rest)]
}

function equalitiesIn(text: string): readonly ((span: StoredSpan) => boolean)[] {
  return [...text.matchAll(/(span|resource)\.([\w.]+) = ("(?:[^"\\]|\\.)*"|true)/g)].map(([, scope, key, json]) => {
    const value = JSON.parse(json!) as string | boolean
    return (span) => (scope === 'span' ? span.attributes : span.resource.attributes)[key!] === value
  })
}

function asTempo(spans: readonly StoredSpan[]): unknown {
  return JSON.parse(otlpJson(spans), (key, value: unknown) => {
    if (key === 'kind') return `SPAN_KIND_${kinds[value as number]!}`
    if (key === 'code') return `STATUS_CODE_${codes[value as number]!}`
    if (['traceId', 'spanId', 'parentSpanId'].includes(key))
      return Buffer.from(value as string, 'hex').toString('base64')
    return value
  })
}
