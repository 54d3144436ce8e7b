import { attributesAt } from './json-attributes.ts'
import { nanosAt, numberAt, objectAt, objectsAt, textAt, type JsonObject } from './json-fields.ts'
import { parseRequest, scopeOf, type DecodeJsonOptions } from './decode-json.ts'
import { addRecord } from './evaluation-span.ts'
import { SpanBatch } from './span-batch.ts'

/**
 * Decodes an `ExportLogsServiceRequest` from OTLP's JSON: the records that judge runs come out as spans, the others are
 * counted.
 *
 * @throws {@link OtlpError} `malformed` where the text is something else, `too_much` where it is too many things
 */
export function decodeJsonLogs(bytes: Uint8Array, options: DecodeJsonOptions = {}): SpanBatch {
  return decodeLogs(parseRequest(bytes, options), new SpanBatch(options.maxItems))
}

/** Decodes a request that has been parsed. */
export function decodeLogs(request: JsonObject, batch: SpanBatch): SpanBatch {
  for (const resourceLogs of objectsAt(request, 'resourceLogs')) {
    const resource = { attributes: attributesAt(objectAt(resourceLogs, 'resource'), 'attributes', batch) }
    for (const scopeLogs of objectsAt(resourceLogs, 'scopeLogs')) {
      const scope = scopeOf(objectAt(scopeLogs, 'scope'))
      for (const record of objectsAt(scopeLogs, 'logRecords')) {
        batch.countItem()
        const timeUnixNano = nanosAt(record, 'timeUnixNano')
        addRecord(batch, {
          eventName: textAt(record, 'eventName'),
          timeUnixNano: timeUnixNano === 0n ? nanosAt(record, 'observedTimeUnixNano') : timeUnixNano,
          traceId: textAt(record, 'traceId').toLowerCase(),
          spanId: textAt(record, 'spanId').toLowerCase(),
          flags: numberAt(record, 'flags'),
          attributes: attributesAt(record, 'attributes', batch),
          resource,
          scope,
        })
      }
    }
  }
  return batch
}
