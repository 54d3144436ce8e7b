import type { Clock } from '../../../internal/clock.ts'
import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_CONVERSATION_ID,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_RUNSPAN_FIRST_RUN_ID,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_REQUESTED_RUN_ID,
  ATTR_RUNSPAN_ROOT_RUN_ID,
  ATTR_RUNSPAN_RUN_OPEN,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_USER_ID,
} from '../../../attributes.ts'
import { textAt } from '../../attribute-values.ts'
import { findAmong } from '../../find-among.ts'
import { mapLimited } from '../../map-limited.ts'
import { decodeRequest, parseJson } from '../../otlp/decode-json.ts'
import { objectAt, objectOf, textAt as jsonTextAt } from '../../otlp/json-fields.ts'
import { SpanBatch } from '../../otlp/span-batch.ts'
import { mayBeOpen, type RunFilter } from '../../run-filter.ts'
import { runKeyOf } from '../../run-key.ts'
import type { FoundTraces, NamingKey, SpanSource, StoredTrace, TraceOutline } from '../../span-source.ts'
import { spansByTrace } from '../../spans-by-trace.ts'
import type { StoredSpan } from '../../stored-span.ts'
import { storedTraceOf } from '../../stored-trace.ts'
import type { BackendClient } from '../http/backend-client.ts'
import { currentSearch, legacySearch, type JaegerRequest, type JaegerSearch } from './jaeger-search.ts'

/** Spans, attributes and the like of one answer. Its bytes are bounded already; this is for what is mostly braces. */
const maxItems = 50_000_000
const dayMillis = 86_400_000

/** Which API there is: 2.19 brought searching by attribute, later versions have dropped the older API. */
type Dialect = 'current' | 'legacy'

/** Jaeger's traces, over its HTTP query API. */
export class JaegerSource implements SpanSource {
  readonly name: string
  readonly #client: BackendClient
  readonly #searchDepth: number
  readonly #lookbackMillis: number
  readonly #clock: Clock
  #dialect: Promise<Dialect> | undefined
  /** Some stores search within one service only. */
  #needsService = false

  constructor(client: BackendClient, searchDepth: number, lookbackMillis: number, clock: Clock) {
    this.name = `Jaeger at ${client.url}`
    this.#client = client
    this.#searchDepth = searchDepth
    this.#lookbackMillis = lookbackMillis
    this.#clock = clock
  }

  async readTrace(traceId: string, maxSpans: number): Promise<StoredTrace | undefined> {
    const spans = await this.#spansOf(traceId)
    return spans.length === 0 ? undefined : storedTraceOf(traceId, spans, maxSpans)
  }

  async #spansOf(traceId: string): Promise<readonly StoredSpan[]> {
    const spans = await this.#spansAt({ path: `api/v3/traces/${traceId}`, query: {} })
    return spansByTrace(spans).get(traceId) ?? []
  }

  // Jaeger has no pages: the whole trace comes at once.
  async *readPages(traceId: string, pageSize: number): AsyncGenerator<readonly StoredSpan[], void, undefined> {
    const spans = await this.#spansOf(traceId)
    for (let at = 0; at < spans.length; at += pageSize) yield spans.slice(at, at + pageSize)
  }

  async findRuns(
    filter: RunFilter,
    offset: number,
    limit: number,
    known?: ReadonlyMap<string, TraceOutline>,
  ): Promise<FoundTraces> {
    const searches = await mapLimited(searchesFor(filter), (attributes) => this.#search(attributes, filter, known))
    const traces = new Map(searches.flatMap((search) => [...search.traces]))
    const isCut = searches.some((search) => search.isCut)
    const found = [...traces].map(([traceId, spans]) => known?.get(traceId) ?? storedTraceOf(traceId, spans))
    return findAmong(found, filter, offset, limit, isCut ? ['cut'] : [])
  }

  async findNaming(key: NamingKey, runId: string): Promise<readonly StoredSpan[]> {
    const { traces } = await this.#search({ [key]: runId }, {})
    return [...traces.values()].flat().filter(({ attributes }) => {
      const named = textAt(attributes, key)
      return named !== undefined && runKeyOf(named) === runId
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #search(
    attributes: Readonly<Record<string, string>>,
    { service, fromUnixMillis, toUnixMillis }: RunFilter,
    known?: ReadonlyMap<string, TraceOutline>,
  ): Promise<{ readonly traces: ReadonlyMap<string, readonly StoredSpan[]>; readonly isCut: boolean }> {
    const nowMillis = this.#clock.nowUnixMillis()
    const search: JaegerSearch = {
      service,
      attributes,
      fromUnixMillis: Math.max(0, fromUnixMillis ?? nowMillis - this.#lookbackMillis),
      // Clocks of others may be ahead.
      toUnixMillis: toUnixMillis ?? nowMillis + dayMillis,
      depth: this.#searchDepth,
    }
    const dialect = await (this.#dialect ??= this.#findDialect())
    const services = await this.#servicesOf(service, dialect)
    const parts = await mapLimited(services, (of) =>
      dialect === 'current'
        ? this.#currentSearch({ ...search, service: of })
        : this.#legacySearch({ ...search, service: of }, known),
    )
    return {
      traces: spansByTrace(parts.flatMap(({ spans }) => spans)),
      isCut: parts.some(({ traceCount }) => traceCount >= this.#searchDepth),
    }
  }

  async #findDialect(): Promise<Dialect> {
    try {
      const nowMillis = this.#clock.nowUnixMillis()
      const query = {
        'query.startTimeMin': new Date(nowMillis - 1_000).toISOString(),
        'query.startTimeMax': new Date(nowMillis).toISOString(),
        'query.searchDepth': '1',
      }
      // Older versions answer the web page for what they do not know; a store may refuse to search without a service.
      const { status, bytes } = await this.#client.get('api/v3/trace-summaries', query, [400, 404])
      return isJson(bytes) || status === 400 ? 'current' : 'legacy'
    } catch (error) {
      this.#dialect = undefined
      throw error
    }
  }

  /** The services to search, one by one; `undefined` is all of them at once. */
  async #servicesOf(wanted: string | undefined, dialect: Dialect): Promise<readonly (string | undefined)[]> {
    if (wanted !== undefined) return [wanted]
    if (dialect === 'current' && !this.#needsService) return [undefined]
    const { services } = await this.#json({ path: 'api/v3/services', query: {} })
    return Array.isArray(services) ? services.filter((name) => typeof name === 'string') : []
  }

  async #currentSearch(search: JaegerSearch): Promise<Found> {
    const request = currentSearch(search)
    if (search.service !== undefined) return foundIn(await this.#spansAt(request))
    const { status, bytes } = await this.#client.get(request.path, request.query, [400, 404])
    if (status !== 400) return foundIn(this.#decode(status, bytes, request))
    this.#needsService = true
    const services = await this.#servicesOf(undefined, 'current')
    const parts = await mapLimited(services, (service) => this.#currentSearch({ ...search, service }))
    return {
      spans: parts.flatMap(({ spans }) => spans),
      traceCount: Math.max(0, ...parts.map((part) => part.traceCount)),
    }
  }

  async #legacySearch(search: JaegerSearch, known?: ReadonlyMap<string, TraceOutline>): Promise<Found> {
    const { data } = await this.#json(legacySearch(search))
    const traces = Array.isArray(data) ? data : []
    const ids = traces.map((trace) => runKeyOf(jsonTextAt(objectOf(trace, 'a trace'), 'traceID').padStart(32, '0')))
    const spans = await mapLimited(ids, async (traceId) => known?.get(traceId)?.outline ?? this.#spansOf(traceId))
    return { spans: spans.flat(), traceCount: ids.length }
  }

  async #spansAt(request: JaegerRequest): Promise<readonly StoredSpan[]> {
    const { status, bytes } = await this.#client.get(request.path, request.query, [404])
    return this.#decode(status, bytes, request)
  }

  #decode(status: number, bytes: Uint8Array, { path }: JaegerRequest): readonly StoredSpan[] {
    if (!isJson(bytes)) throw this.#client.odd(`it has no ${path}`)
    // Nothing found is 404 too.
    if (status === 404) return []
    try {
      const result = objectAt(objectOf(parseJson(bytes, 4 * maxItems), 'the answer'), 'result')
      return decodeRequest(result, new SpanBatch(maxItems)).spans
    } catch (error) {
      throw this.#client.odd(`its answer to ${path} is not what Jaeger says`, error)
    }
  }

  async #json({ path, query }: JaegerRequest): Promise<Readonly<Record<string, unknown>>> {
    const { bytes } = await this.#client.get(path, query, [])
    if (!isJson(bytes)) throw this.#client.odd(`it has no ${path}`)
    try {
      return objectOf(parseJson(bytes, 4 * maxItems), 'the answer')
    } catch (error) {
      throw this.#client.odd(`its answer to ${path} is not what Jaeger says`, error)
    }
  }
}

interface Found {
  readonly spans: readonly StoredSpan[]
  readonly traceCount: number
}

function foundIn(spans: readonly StoredSpan[]): Found {
  return { spans, traceCount: new Set(spans.map(({ traceId }) => traceId)).size }
}

/** Jaeger's `/api/v3` names no content type. */
function isJson(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7b
}

/**
 * What spans of wanted runs say: their roots, and of runs that may be open, start markers and checkpoints. Only roots,
 * dispatch spans and agents inside runs have the operation. Only roots, markers and checkpoints name another run: there the operation would make a store compare what every run has, ten times the work in Badger.
 */
function searchesFor(filter: RunFilter): readonly Readonly<Record<string, string>>[] {
  const namesRun = filter.parentRunId ?? filter.rootRunId ?? filter.requestedRunId ?? filter.firstRunId
  const wanted = wantedOf(filter)
  if (namesRun !== undefined) return [wanted]
  const roots = { ...wanted, [ATTR_GEN_AI_OPERATION_NAME]: 'invoke_agent' }
  return mayBeOpen(filter) ? [roots, { ...wanted, [ATTR_RUNSPAN_RUN_OPEN]: 'true' }] : [roots]
}

function wantedOf(filter: RunFilter): Record<string, string> {
  const wanted: Record<string, string | undefined> = {
    [ATTR_GEN_AI_AGENT_NAME]: filter.agent,
    [ATTR_USER_ID]: filter.userId,
    [ATTR_GEN_AI_CONVERSATION_ID]: filter.conversationId,
    [ATTR_RUNSPAN_RUN_STATUS]: filter.status === 'open' ? undefined : filter.status,
    [ATTR_RUNSPAN_PARENT_RUN_ID]: filter.parentRunId,
    [ATTR_RUNSPAN_ROOT_RUN_ID]: filter.rootRunId,
    [ATTR_RUNSPAN_REQUESTED_RUN_ID]: filter.requestedRunId,
    [ATTR_RUNSPAN_FIRST_RUN_ID]: filter.firstRunId,
  }
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) as Record<string, string>
}
