import { diag, type TextMapPropagator } from '@opentelemetry/api'

import { readNames, type Environment } from './environment.ts'
import type { TraceSdk } from './trace-sdk.ts'

/**
 * The propagator that OTEL_PROPAGATORS asks for: `tracecontext`, `baggage`, `none`; both W3C ones where it is unset.
 *
 * @returns `undefined` where nothing is to travel
 */
export function propagatorFrom(environment: Environment, { core }: TraceSdk): TextMapPropagator | undefined {
  const names = readNames(environment, 'OTEL_PROPAGATORS') ?? ['tracecontext', 'baggage']
  if (names.includes('none')) return undefined
  const propagators: TextMapPropagator[] = []
  for (const name of names) {
    if (name === 'tracecontext') propagators.push(new core.W3CTraceContextPropagator())
    else if (name === 'baggage') propagators.push(new core.W3CBaggagePropagator())
    else
      diag.warn(
        `runspan: the propagator ${name} of OTEL_PROPAGATORS is left out: registerRunspan knows tracecontext, baggage and none.`,
      )
  }
  return propagators.length === 0 ? undefined : new core.CompositePropagator({ propagators })
}
