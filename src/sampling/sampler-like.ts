import type { Attributes, Context, Link, TraceState } from '@opentelemetry/api'

/** `SamplingDecision.NOT_RECORD`, `RECORD` and `RECORD_AND_SAMPLED`, as numbers: samplers are read structurally. */
export const decisions = { drop: 0, record: 1, sample: 2 } as const

/** OpenTelemetry's `SamplingResult`, structurally. */
export interface SamplingResultLike {
  /** 0: dropped. 1: recorded, so that span processors see it, and not sampled. 2: recorded and sampled. */
  readonly decision: number
  readonly attributes?: Readonly<Attributes>
  readonly traceState?: TraceState
}

/** OpenTelemetry's `Sampler`, structurally: the SDK's types differ between its majors. */
export interface SamplerLike {
  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: number,
    attributes: Attributes,
    links: Link[],
  ): SamplingResultLike
  toString(): string
}
