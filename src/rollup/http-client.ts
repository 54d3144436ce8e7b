import { knowsServices } from '../propagation/covered-requests.ts'
import { isModelProvider } from '../propagation/model-providers.ts'
import type { SpanNode } from './span-node.ts'
import type { ReadableSpanLike } from './span-like.ts'
import { roleOfMarks } from './span-role.ts'

/** `SpanKind.CLIENT`, as a number: spans are read structurally. */
const kindClient = 2

/** Instrumentations that write the run's headers onto each request they see, whatever its host. */
function isCarrier(scopeName: string | undefined): boolean {
  return scopeName === '@opentelemetry/instrumentation-undici' || scopeName === '@opentelemetry/instrumentation-http'
}

/** Where the host stands, in the stable conventions and in those before. */
const hostKeys = ['server.address', 'net.peer.name', 'http.host'] as const

/**
 * Whether a span that has just started carries the run to a host of which nobody knows whether it joins. Requests of
 * model calls, and those to model providers, do not; and where the application has named its services, all other hosts
 * are none.
 */
export function carriesToUnknown(span: ReadableSpanLike, parent: SpanNode | undefined): boolean {
  if (span.kind !== kindClient || !isCarrier(span.instrumentationScope?.name)) return false
  if (knowsServices() || isModelProvider(hostOf(span))) return false
  for (let at = parent; at !== undefined; at = at.parent) {
    const { name, attributes, instrumentationScope } = at.span
    if (roleOfMarks(name, attributes, instrumentationScope?.name) === 'leaf') return false
  }
  return true
}

function hostOf({ attributes }: ReadableSpanLike): string {
  for (const key of hostKeys) {
    const host = attributes[key]
    if (typeof host === 'string') return host.replace(/:\d+$/, '')
  }
  return ''
}
