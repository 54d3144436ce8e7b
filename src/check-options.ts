import { RunspanError } from './errors.ts'
import { nearest } from './internal/nearest.ts'
import { textOf } from './internal/text-of.ts'

/** The names of options. A record, so that the compiler finds the one that is left out. */
export type OptionNames<Options> = Readonly<Record<keyof Options, unknown>>

/**
 * Refuses options whose name nobody knows: a misspelt one would be forgotten quietly. One that is `undefined` says
 * nothing, whatever its name.
 *
 * @param owner whose options they are, for the message
 * @throws {@link RunspanError} `bad_configuration`
 */
export function checkOptions<Options extends object>(
  owner: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw bad(owner, `${textOf(options)} cannot be used. Pass an object of options.`)
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(names, name)) continue
    const known = Object.keys(names)
    const meant = nearest(name, known)
    const advice = meant === undefined ? '' : ` Did you mean ${meant}?`
    throw bad(owner, `it has no option ${textOf(name)}.${advice} Known are ${known.join(', ')}.`)
  }
}

function bad(owner: string, what: string): RunspanError {
  return new RunspanError('bad_configuration', `Failed to configure ${owner}: ${what}`)
}
