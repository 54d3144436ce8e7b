import type { InstalledPackage } from './installed-package.ts'
import { trace, type TracerProvider } from '@opentelemetry/api'

interface Delegating {
  setDelegate?: (provider: TracerProvider) => void
}

/**
 * From api 1.10 on, `import` and `require` load two copies, each with a proxy of its own, and a tracer that code took
 * through one copy before a provider was registered through the other stays without effect for ever. This remembers the
 * proxy of the copy that is not ours, as long as nothing is registered.
 *
 * @returns what makes early tracers of that copy work, to be called with the provider
 */
export function otherCopyOf(
  api: InstalledPackage | undefined,
  cache: NodeJS.Dict<NodeJS.Module>,
): (provider: TracerProvider) => void {
  // Only a copy that something has loaded already can have given tracers out.
  const other = (api === undefined ? undefined : cache[api.entry]?.exports) as { trace?: typeof trace } | undefined
  if (other?.trace === undefined || other.trace === trace) return () => undefined
  const proxy = other.trace.getTracerProvider() as Delegating
  return (provider) => proxy.setDelegate?.(provider)
}
