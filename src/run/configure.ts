import { RunspanError } from '../errors.ts'
import { findGenerator } from './probe.ts'
import { applyOptions, type RunspanOptions } from './settings.ts'
import { shared } from './shared.ts'

/** Every option, so that a name that is mistaken does not go unnoticed: `redact` must not be forgotten quietly. */
const known: Readonly<Record<keyof RunspanOptions, true>> = {
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
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    throw new RunspanError(
      'bad_configuration',
      `Failed to configure ${name}: there is no such option. Known are ${Object.keys(known).join(', ')}.`,
    )
  }
  applyOptions(shared().settings, options)
  if (options.strict === true && findGenerator() === 'missing') {
    throw new RunspanError(
      'generator_missing',
      'Failed to configure strict mode: the registered tracer provider does not use RunIdGenerator, so run ids chosen by callers would be lost. Pass idGenerator: new RunIdGenerator() to the provider, and call configureRunspan after it is registered.',
    )
  }
}
