import { createHash } from 'node:crypto'

import { ATTR_RUNSPAN_LINK_TYPE, ATTR_RUNSPAN_TARGET_RUN_ID, EVENT_GEN_AI_EVALUATION_RESULT } from '../../attributes.ts'
import { textAt } from '../attribute-values.ts'
import { toRunJson } from '../run-json.ts'
import type { StoredAttributes, StoredLink, StoredResource, StoredScope } from '../stored-span.ts'
import type { SpanBatch } from './span-batch.ts'

/** What is read of a log record. */
export interface LogRecord {
  /** Older SDKs have it among the attributes, as `event.name`. */
  readonly eventName: string
  /** When it happened; where nobody said so, when it was seen. */
  readonly timeUnixNano: bigint
  /** Lower-case hex; empty where the record has none. */
  readonly traceId: string
  readonly spanId: string
  readonly flags: number
  readonly attributes: StoredAttributes
  readonly resource: StoredResource
  readonly scope: StoredScope
}

const attrEventName = 'event.name'
const noId = /^0*$/

/**
 * Takes a log record where it judges a run: as the span that the same feedback is sent as by a process without a logger
 * provider. Then every store of spans has it. All other records count as rejected.
 *
 * The span is the root of a trace of its own, whose ids come from what the record says: one that is sent again is a copy.
 */
export function addRecord(batch: SpanBatch, record: LogRecord): void {
  const { timeUnixNano, traceId, spanId, flags, attributes, resource, scope } = record
  const eventName = record.eventName === '' ? textAt(attributes, attrEventName) : record.eventName
  const target = textAt(attributes, ATTR_RUNSPAN_TARGET_RUN_ID) ?? (noId.test(traceId) ? undefined : traceId)
  if (eventName !== EVENT_GEN_AI_EVALUATION_RESULT || target === undefined) {
    batch.rejectedCount++
    return
  }
  const link: StoredLink = { traceId, spanId, flags, attributes: { [ATTR_RUNSPAN_LINK_TYPE]: 'review' } }
  const digest = createHash('sha256')
    .update(JSON.stringify(toRunJson([timeUnixNano, traceId, spanId, attributes, resource.attributes, scope.name])))
    .digest('hex')
  batch.add({
    traceId: digest.slice(0, 32),
    spanId: digest.slice(32, 48),
    flags: 1,
    name: EVENT_GEN_AI_EVALUATION_RESULT,
    kind: 'internal',
    startUnixNano: timeUnixNano,
    endUnixNano: timeUnixNano,
    status: { code: 'unset' },
    attributes: { ...attributes, [ATTR_RUNSPAN_TARGET_RUN_ID]: target },
    events: [],
    links: noId.test(traceId) || noId.test(spanId) ? [] : [link],
    resource,
    scope,
  })
}
