import { checkOptions, type OptionNames } from '../check-options.ts'
import { RunspanError } from '../errors.ts'
import { findGenerator } from './probe.ts'
import { applyOptions, type RunspanOptions } from './settings.ts'
import { shared } from './shared.ts'

const names: OptionNames<RunspanOptions> = {
  content: true,
  redact: true,
  strict: true,
  streamIdleMillis: true,
  abandonAfterMillis: true,
  startMarkers: true,
  checkpointIntervalMillis: true,
}

/**
 * Sets what holds for every run of this process. Call it once, at set-up; what is left out stays as it is.
 *
 * @throws {@link RunspanError} `bad_configuration` where a value cannot work, or there is no such option; `generator_missing`
 *   in strict mode where the registered provider does not use a `RunIdGenerator`
 */
export function configureRunspan(options: RunspanOptions): void {
  checkOptions('configureRunspan', options, names)
  applyOptions(shared().settings, options)
  if (options.strict === true && findGenerator() === 'missing') {
    throw new RunspanError(
      'generator_missing',
      'Failed to configure strict mode: the registered tracer provider does not use RunIdGenerator, so run ids chosen by callers would be lost. Pass idGenerator: new RunIdGenerator() to the provider, and call configureRunspan after it is registered.',
    )
  }
}
