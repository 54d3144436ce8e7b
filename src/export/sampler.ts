import { diag } from '@opentelemetry/api'

import type { SamplerLike } from '../sampling/sampler-like.ts'
import { readNumber, readText, type Environment } from './environment.ts'
import type { TraceSdk } from './trace-sdk.ts'

/** The sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG ask for; every trace where they ask for none. */
export function samplerFrom(environment: Environment, { samplers }: TraceSdk): SamplerLike {
  const { AlwaysOnSampler, AlwaysOffSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = samplers
  const name = readText(environment, 'OTEL_TRACES_SAMPLER')?.toLowerCase() ?? 'parentbased_always_on'
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratioFrom(environment))
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratioFrom(environment)) })
    default:
      diag.warn(`runspan: OTEL_TRACES_SAMPLER=${name} is not known; parentbased_always_on is used.`)
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
  }
}

function ratioFrom(environment: Environment): number {
  const ratio = readNumber(environment, 'OTEL_TRACES_SAMPLER_ARG', 0)
  if (ratio !== undefined && ratio <= 1) return ratio
  diag.warn('runspan: OTEL_TRACES_SAMPLER_ARG is no ratio from 0 to 1; 1 is used.')
  return 1
}
