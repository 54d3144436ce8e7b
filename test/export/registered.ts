import { context, diag, propagation, trace } from '@opentelemetry/api'

import { registerRunspan, type RegisterOptions, type RegisteredRunspan } from '../../src/export/node.ts'
import { defaultSettings } from '../../src/run/settings.ts'
import { shared } from '../../src/run/shared.ts'

/** A registration that is gone after the test, with everything that it registered. */
export interface TestRegistration extends AsyncDisposable {
  readonly telemetry: RegisteredRunspan
}

/** Calls `registerRunspan` for one test: `await using registered = register({ exporter })`. */
export function register(options: RegisterOptions = {}): TestRegistration {
  const telemetry = registerRunspan({ exitSignals: false, ...options })
  return {
    telemetry,
    async [Symbol.asyncDispose]() {
      await telemetry.shutdown()
      forgetRegistration()
    },
  }
}

/** Takes back what a registration leaves in the process. */
export function forgetRegistration(): void {
  delete (globalThis as Record<symbol, unknown>)[Symbol.for('runspan.v1.registration')]
  trace.disable()
  context.disable()
  propagation.disable()
  diag.disable()
  Object.assign(shared().settings, defaultSettings())
}

/** Collects what is said through diag until it is taken back. */
export function recordDiag(): { readonly warnings: readonly string[] } {
  const warnings: string[] = []
  const note = (message: string): void => void warnings.push(message)
  diag.setLogger({ error: note, warn: note, info: () => {}, debug: () => {}, verbose: () => {} })
  return { warnings }
}
