import type { Clock } from '../../../internal/clock.ts'
import { textAt } from '../../attribute-values.ts'
import { findAmong } from '../../find-among.ts'
import { mapLimited } from '../../map-limited.ts'
import { decodeRequest, idReaders, parseJson } from '../../otlp/decode-json.ts'
import { objectAt, objectOf, objectsAt, textAt as jsonTextAt, type JsonObject } from '../../otlp/json-fields.ts'
import { SpanBatch } from '../../otlp/span-batch.ts'
import type { RunFilter } from '../../run-filter.ts'
import { runKeyOf } from '../../run-key.ts'
import type { FoundTraces, NamingKey, SpanSource, StoredTrace, TraceOutline } from '../../span-source.ts'
import { spansByTrace } from '../../spans-by-trace.ts'
import type { StoredSpan } from '../../stored-span.ts'
import { storedTraceOf } from '../../stored-trace.ts'
import type { BackendClient } from '../http/backend-client.ts'
import { spanset, traceQlOf } from './trace-ql.ts'

const maxItems = 50_000_000
const dayMillis = 86_400_000

/** How a search goes back in time. */
export interface TempoSearch {
  /** Traces at most. */
  readonly limit: number
  /** How far back where no time is given, in milliseconds. */
  readonly lookbackMillis: number
  /** The longest time that one request may cover, in milliseconds. */
  readonly windowMillis: number
}

/** Grafana Tempo's traces, over its HTTP API. */
export class TempoSource implements SpanSource {
  readonly name: string
  readonly #client: BackendClient
  readonly #how: TempoSearch
  readonly #clock: Clock

  constructor(client: BackendClient, how: TempoSearch, clock: Clock) {
    this.name = `Tempo at ${client.url}`
    this.#client = client
    this.#how = how
    this.#clock = clock
  }

  async readTrace(traceId: string, maxSpans: number): Promise<StoredTrace | undefined> {
    const { spans, isPartial } = await this.#read(traceId)
    return spans.length === 0 ? undefined : storedTraceOf(traceId, spans, maxSpans, isPartial)
  }

  async #read(traceId: string): Promise<{ readonly spans: readonly StoredSpan[]; readonly isPartial: boolean }> {
    // Without a time: one would hide the spans outside of it.
    const answer = await this.#json(`api/v2/traces/${traceId}`, {}, [404])
    if (answer === undefined) return { spans: [], isPartial: false }
    try {
      const trace = objectAt(answer, 'trace')
      const { spans } = decodeRequest(trace, new SpanBatch(maxItems), idReaders.base64)
      return { spans: spansByTrace(spans).get(traceId) ?? [], isPartial: isPartialAnswer(answer) }
    } catch (error) {
      throw this.#client.odd('its trace is not what Tempo says', error)
    }
  }

  // Tempo has no pages: the whole trace comes at once.
  async *readPages(traceId: string, pageSize: number): AsyncGenerator<readonly StoredSpan[], void, undefined> {
    const { spans } = await this.#read(traceId)
    for (let at = 0; at < spans.length; at += pageSize) yield spans.slice(at, at + pageSize)
  }

  async findRuns(
    filter: RunFilter,
    offset: number,
    limit: number,
    known?: ReadonlyMap<string, TraceOutline>,
  ): Promise<FoundTraces> {
    const read = async (id: string): Promise<TraceOutline | undefined> => known?.get(id) ?? this.#readAll(id)
    const { traces, isCut } = await this.#search(traceQlOf(filter), filter, read)
    return findAmong(traces, filter, offset, limit, isCut ? ['cut'] : [])
  }

  async findNaming(key: NamingKey, runId: string): Promise<readonly StoredSpan[]> {
    const { traces } = await this.#search(spanset({ [`span.${key}`]: runId }), {}, (id) => this.#readAll(id))
    return traces.flatMap(({ spans }) =>
      spans.filter(({ attributes }) => runKeyOf(textAt(attributes, key) ?? '') === runId),
    )
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #readAll(traceId: string): Promise<StoredTrace | undefined> {
    return this.readTrace(traceId, Number.MAX_SAFE_INTEGER)
  }

  /** Finds traces, and reads each: a search shows no more than a few spans of one. */
  async #search<T>(
    q: string,
    { fromUnixMillis, toUnixMillis }: RunFilter,
    read: (traceId: string) => Promise<T | undefined>,
  ): Promise<{ readonly traces: readonly T[]; readonly isCut: boolean }> {
    const { limit, lookbackMillis, windowMillis } = this.#how
    const nowMillis = this.#clock.nowUnixMillis()
    const fromMillis = Math.max(fromUnixMillis ?? nowMillis - lookbackMillis, 0)
    // Tempo takes whole seconds, and refuses a window that is one longer than it may be. Clocks of others may be ahead.
    const from = Math.floor(fromMillis / 1_000)
    const to = Math.floor((toUnixMillis ?? nowMillis + dayMillis) / 1_000) + 1
    const window = Math.max(1, Math.floor(windowMillis / 1_000))
    const ids = new Set<string>()
    let isCut = false
    // The newest window first.
    for (let end = to; end > from && ids.size < limit; end -= window) {
      const found = await this.#ids(q, Math.max(from, end - window), end)
      isCut ||= found.length >= limit
      for (const id of found) ids.add(id)
    }
    const traces = await mapLimited([...ids], read)
    return { traces: traces.filter((trace) => trace !== undefined), isCut: isCut || ids.size >= limit }
  }

  /** @param start in seconds since the epoch, as is `end` */
  async #ids(q: string, start: number, end: number): Promise<readonly string[]> {
    const query = { q, limit: String(this.#how.limit), spss: '1', start: String(start), end: String(end) }
    const answer = await this.#json('api/search', query, [])
    try {
      // Ids have lost the zeros they begin with.
      return objectsAt(answer ?? {}, 'traces').map((trace) => runKeyOf(jsonTextAt(trace, 'traceID').padStart(32, '0')))
    } catch (error) {
      throw this.#client.odd('its search is not what Tempo says', error)
    }
  }

  async #json(
    path: string,
    query: Readonly<Record<string, string>>,
    absent: readonly number[],
  ): Promise<JsonObject | undefined> {
    const { status, bytes } = await this.#client.get(path, query, absent)
    if (status !== 200) return undefined
    try {
      return objectOf(parseJson(bytes, 4 * maxItems), 'the answer')
    } catch (error) {
      throw this.#client.odd(`its answer to ${path} is no JSON`, error)
    }
  }
}

/** Older versions write the name of the status, newer ones its number. */
function isPartialAnswer({ status }: JsonObject): boolean {
  return status === 'PARTIAL' || status === 1
}
