import {
  ATTR_GEN_AI_AGENT_NAME,
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_RUNSPAN_CHILD_RUN_ID,
  ATTR_RUNSPAN_LINK_TYPE,
  ATTR_RUNSPAN_PARENT_RUN_ID,
  ATTR_RUNSPAN_ROLLUP_SCOPE,
  ATTR_RUNSPAN_RUN_GOAL,
  ATTR_RUNSPAN_RUN_ID,
  ATTR_RUNSPAN_RUN_STATUS,
  ATTR_RUNSPAN_SEGMENT,
  SPAN_RUNSPAN_AMENDMENT,
} from '../../src/attributes.ts'
import type { StoredAttributes, StoredSpan, StoredValue } from '../../src/query/stored-span.ts'

/** A readable run id: `idOf('a1')` is a1a1…, 32 digits. */
export function idOf(pair: string): string {
  return pair.repeat(16)
}

/** Milliseconds after the start of every test's world, as nanoseconds. */
export function at(millis: number): bigint {
  return 1_763_000_000_000_000_000n + BigInt(Math.round(millis * 1e6))
}

let lastSpan = 0
/** A span id nobody else has. */
export function nextSpanId(): string {
  return (++lastSpan).toString(16).padStart(16, '0')
}

/** What a span may be said to be; times in milliseconds. */
export interface SpanInit extends Partial<Omit<StoredSpan, 'attributes' | 'startUnixNano' | 'endUnixNano'>> {
  readonly from?: number
  readonly to?: number
  readonly service?: string
  readonly attributes?: StoredAttributes
}

/** Any span. */
export function span(traceId: string, init: SpanInit = {}): StoredSpan {
  const { from = 0, to = from, service, attributes = {}, ...rest } = init
  return {
    traceId,
    spanId: nextSpanId(),
    flags: 1,
    name: 'span',
    kind: 'internal',
    startUnixNano: at(from),
    endUnixNano: at(to),
    status: { code: 'unset' },
    attributes,
    events: [],
    links: [],
    resource: { attributes: service === undefined ? {} : { 'service.name': service } },
    scope: { name: 'test' },
    ...rest,
  }
}

/** Numbers of a rollup, by short names. */
export interface RollupInit {
  readonly input?: number
  readonly output?: number
  readonly cached?: number
  readonly nanoUsd?: number | bigint
  readonly source?: string
  readonly llm?: number
  readonly unpriced?: number
  readonly tools?: number
  readonly errors?: number
  readonly spans?: number
  readonly open?: number
  readonly complete?: boolean
}

const rollupKeys: Readonly<Record<keyof Omit<RollupInit, 'complete' | 'open'>, string>> = {
  input: 'usage.input_tokens',
  output: 'usage.output_tokens',
  cached: 'usage.cache_read.input_tokens',
  nanoUsd: 'cost.nano_usd',
  source: 'cost.source',
  llm: 'calls.llm',
  unpriced: 'calls.unpriced',
  tools: 'calls.tool',
  errors: 'errors',
  spans: 'spans',
}

function sums(init: RollupInit, prefix: string): Record<string, StoredValue> {
  const attributes: Record<string, StoredValue> = {}
  for (const [name, key] of Object.entries(rollupKeys)) {
    const value = init[name as keyof typeof rollupKeys]
    if (value !== undefined) attributes[prefix + key] = value
  }
  return attributes
}

/** The attributes of a rollup. */
function rollup(scope: 'run' | 'segment', init: RollupInit = {}): StoredAttributes {
  return {
    ...sums(init, 'runspan.'),
    'runspan.rollup.complete': init.complete ?? true,
    [ATTR_RUNSPAN_ROLLUP_SCOPE]: scope,
    ...(init.open === undefined ? {} : { 'runspan.rollup.open_spans': init.open }),
  }
}

/** What a run's root may say. */
export interface RootInit extends SpanInit {
  readonly agent?: string
  readonly status?: StoredSpan['status']
  readonly runStatus?: string
  readonly goal?: string
  readonly parent?: string
  /** `false`: the process keeps no rollup. */
  readonly totals?: RollupInit | false
}

/** The root of a run. */
export function root(runId: string, init: RootInit = {}): StoredSpan {
  const { agent = 'agent', runStatus = 'completed', goal, parent, totals = {}, attributes, ...rest } = init
  return span(runId, {
    name: `invoke_agent ${agent}`,
    spanId: runId.slice(16),
    ...rest,
    attributes: {
      [ATTR_GEN_AI_OPERATION_NAME]: 'invoke_agent',
      [ATTR_GEN_AI_AGENT_NAME]: agent,
      [ATTR_RUNSPAN_RUN_ID]: runId,
      [ATTR_RUNSPAN_RUN_STATUS]: runStatus,
      ...(goal === undefined ? {} : { [ATTR_RUNSPAN_RUN_GOAL]: goal }),
      ...(parent === undefined ? {} : { [ATTR_RUNSPAN_PARENT_RUN_ID]: parent }),
      ...(totals === false ? {} : rollup('run', totals)),
      ...attributes,
    },
  })
}

/** The root of a segment, below the run's root unless it is said otherwise. */
export function segment(runId: string, init: RootInit = {}): StoredSpan {
  const { totals = {}, attributes, ...rest } = init
  return span(runId, {
    name: 'join',
    parentSpanId: runId.slice(16),
    ...rest,
    attributes: {
      [ATTR_RUNSPAN_SEGMENT]: true,
      [ATTR_RUNSPAN_RUN_ID]: runId,
      ...(totals === false ? {} : rollup('segment', totals)),
      ...attributes,
    },
  })
}

/** What ended after the root of its part. */
export function amendment(part: StoredSpan, late: RollupInit, init: SpanInit = {}): StoredSpan {
  const scope = part.attributes[ATTR_RUNSPAN_SEGMENT] === true ? 'segment' : 'run'
  return span(part.traceId, {
    name: SPAN_RUNSPAN_AMENDMENT,
    parentSpanId: part.spanId,
    ...init,
    attributes: {
      ...sums(late, 'runspan.late.'),
      [ATTR_RUNSPAN_RUN_ID]: part.traceId,
      [ATTR_RUNSPAN_ROLLUP_SCOPE]: scope,
    },
  })
}

/** The span that `parent` leaves for a run it started; a spawn where `kind` is `producer`. */
export function dispatch(
  parentId: string,
  childId: string,
  init: SpanInit & { agent?: string; goal?: string; linkType?: string } = {},
): StoredSpan {
  const { agent = 'agent', goal, linkType, ...rest } = init
  return span(parentId, {
    name: `invoke_agent ${agent}`,
    kind: 'client',
    parentSpanId: parentId.slice(16),
    ...(linkType === undefined
      ? {}
      : {
          links: [
            {
              traceId: childId,
              spanId: childId.slice(16),
              flags: 1,
              attributes: { [ATTR_RUNSPAN_LINK_TYPE]: linkType },
            },
          ],
        }),
    ...rest,
    attributes: {
      [ATTR_GEN_AI_AGENT_NAME]: agent,
      [ATTR_RUNSPAN_CHILD_RUN_ID]: childId,
      ...(goal === undefined ? {} : { [ATTR_RUNSPAN_RUN_GOAL]: goal }),
    },
  })
}
