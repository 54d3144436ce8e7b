import type { ExportableSpan } from '../../../src/export/otlp/exportable-span.ts'

/** A span with everything set, nothing to a default. */
export function fullSpan(overrides: Partial<ExportableSpan> = {}): ExportableSpan {
  return {
    name: 'chat gpt-4.1-mini',
    kind: 2,
    startTime: [1_795_275_045, 7_000_001],
    endTime: [1_795_275_046, 999_999_999],
    status: { code: 2, message: 'it failed' },
    attributes: { text: 'été', 'a.list': ['a', 1, 1.5, true], count: 812, ratio: 0.1, ok: true },
    droppedAttributesCount: 1,
    events: [{ name: 'exception', time: [1_795_275_045, 1], attributes: { a: 'b' }, droppedAttributesCount: 2 }],
    droppedEventsCount: 3,
    links: [
      {
        context: {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          traceFlags: 1,
          isRemote: true,
        },
        attributes: { 'runspan.link.type': 'parent' },
        droppedAttributesCount: 4,
      },
    ],
    droppedLinksCount: 5,
    resource: { attributes: { 'service.name': 'planner' } },
    instrumentationScope: { name: 'runspan', version: '0.1.0' },
    parentSpanContext: { traceId: '00f067aa0ba902b74bf92f3577b34da6', spanId: 'b9c7c989f97918e1', traceFlags: 1 },
    spanContext: () => ({ traceId: '00f067aa0ba902b74bf92f3577b34da6', spanId: '00f067aa0ba902b7', traceFlags: 1 }),
    ...overrides,
  }
}
