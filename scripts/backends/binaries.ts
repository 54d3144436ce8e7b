import { buildIntoCache, findInCache } from './binary-cache.ts'
import { collectorRecipe } from './collector-recipe.ts'
import { findGo } from './go-toolchain.ts'
import { jaegerRecipe } from './jaeger-recipe.ts'

/** Paths of the programs that the end-to-end tests start. */
export interface BackendBinaries {
  readonly collector: string
  readonly jaeger: string
}

/** What can be started on this machine. `reason` is a sentence for whoever wonders why a test was skipped. */
export type BackendsFound =
  | { status: 'built'; binaries: BackendBinaries }
  | { status: 'buildable' }
  | { status: 'missing'; reason: string }

/** Looks for the binaries, without building any. */
export async function findBackends(): Promise<BackendsFound> {
  const go = await findGo()
  const version = go.status === 'found' ? go.version : undefined
  const collector = findInCache(collectorRecipe, version)
  const jaeger = findInCache(jaegerRecipe, version)
  if (collector && jaeger) return { status: 'built', binaries: { collector, jaeger } }
  if (go.status === 'found') return { status: 'buildable' }
  return {
    status: 'missing',
    reason: `no OpenTelemetry Collector and no Jaeger to test against: none is built, and ${go.reason}`,
  }
}

/**
 * Returns the binaries, and builds those that are not cached: some five minutes on two cores the first time.
 *
 * @throws Error when there is neither a built binary nor a Go to build it with, or when a build fails.
 */
export async function ensureBackends(): Promise<BackendBinaries> {
  const found = await findBackends()
  if (found.status === 'built') return found.binaries
  const go = await findGo()
  if (go.status === 'missing') throw new Error(`Failed to build the backends: ${go.reason}. Install Go.`)
  // One after the other: the Go compiler uses every core by itself.
  const collector = await buildIntoCache(collectorRecipe, go.version)
  const jaeger = await buildIntoCache(jaegerRecipe, go.version)
  return { collector, jaeger }
}
