import { RunspanError } from '../errors.ts'
import { randomHex32 } from '../internal/random-hex.ts'
import { shared } from './shared.ts'
import { newSpanId } from './run-id.ts'

/** OpenTelemetry's `IdGenerator`, structurally: the SDK's types differ between its majors. */
export interface IdGeneratorLike {
  generateTraceId(): string
  generateSpanId(): string
}

/** Marks our generators, so that `doctor` knows one when it sees it. */
const generatorMark = Symbol.for('runspan.id-generator')

/**
 * Makes the run id the trace id. Give it to the provider: `new NodeSDK({ idGenerator: new RunIdGenerator() })`.
 *
 * Runspan arms the ids of a root just before it starts that span and disarms them right after; every other span gets
 * its ids from the generator inside. The SDK asks for the span id first and for the trace id only where there is no
 * parent (opentelemetry-js `Tracer.startSpan`), so both are known before the first call, and the second call disarms:
 * what a processor starts while it sees the root start is not to get the root's ids again.
 */
export class RunIdGenerator implements IdGeneratorLike {
  /** @internal */
  readonly [generatorMark] = true
  readonly #inner: IdGeneratorLike | undefined

  /**
   * @param inner where all other ids come from. Default: random ids
   * @throws {@link RunspanError} `bad_configuration` where it makes no ids
   */
  constructor(inner?: IdGeneratorLike) {
    if (inner !== undefined && !isGenerator(inner)) {
      throw new RunspanError(
        'bad_configuration',
        'Failed to make a RunIdGenerator: a generator without generateTraceId or generateSpanId cannot be used. Pass one that has both, or nothing for random ids.',
      )
    }
    this.#inner = inner
  }

  generateTraceId(): string {
    const state = shared()
    const armed = state.armed
    if (armed !== undefined) {
      state.armed = undefined
      return armed.traceId
    }
    return this.#inner === undefined ? randomHex32() : this.#inner.generateTraceId()
  }

  generateSpanId(): string {
    const armed = shared().armed
    if (armed !== undefined) return armed.spanId
    return this.#inner === undefined ? newSpanId() : this.#inner.generateSpanId()
  }
}

function isGenerator(value: IdGeneratorLike | null): boolean {
  return typeof value?.generateTraceId === 'function' && typeof value.generateSpanId === 'function'
}
