import { RunspanError } from '../../errors.ts'

/** How large things may get on their way to one destination, in bytes before compression. */
export interface SizeBudgets {
  /**
   * One value of an attribute, in UTF-8. Larger ones are shortened, and say so. At least 512.
   *
   * @defaultValue 262_144 (256 KiB)
   */
  readonly maxAttributeSizeBytes?: number | undefined
  /**
   * One span as it is encoded. Of larger ones the largest values are shortened first. At least 4 096.
   *
   * @defaultValue 1_048_576 (1 MiB)
   */
  readonly maxSpanSizeBytes?: number | undefined
  /**
   * One request. At least as large as a span. The default is what gRPC takes by default, which is how collectors pass
   * requests on.
   *
   * @defaultValue 4_194_304 (4 MiB)
   */
  readonly maxRequestSizeBytes?: number | undefined
}

/** Budgets with every default filled in. */
export type ResolvedBudgets = { readonly [Name in keyof SizeBudgets]-?: number }

const defaults: ResolvedBudgets = {
  maxAttributeSizeBytes: 256 * 1024,
  maxSpanSizeBytes: 1024 * 1024,
  maxRequestSizeBytes: 4 * 1024 * 1024,
}

/** What stands around the spans of a request: a resource and scopes. */
const aroundSizeBytes = 16 * 1024

/**
 * Checks budgets and fills in the defaults. A budget that is set alone bounds the smaller ones: a request of 512 KiB has
 * spans of at most 496 KiB.
 *
 * @throws {@link RunspanError} `bad_configuration` where a value cannot work
 */
export function resolveBudgets(budgets: SizeBudgets = {}): ResolvedBudgets {
  const maxRequestSizeBytes = checked('maxRequestSizeBytes', budgets.maxRequestSizeBytes, 4096 + aroundSizeBytes)
  const maxSpanSizeBytes = Math.min(
    checked('maxSpanSizeBytes', budgets.maxSpanSizeBytes, 4096),
    maxRequestSizeBytes - aroundSizeBytes,
  )
  const maxAttributeSizeBytes = Math.min(
    checked('maxAttributeSizeBytes', budgets.maxAttributeSizeBytes, 512),
    maxSpanSizeBytes,
  )
  return { maxAttributeSizeBytes, maxSpanSizeBytes, maxRequestSizeBytes }
}

function checked(name: keyof SizeBudgets, value: number | undefined, atLeast: number): number {
  if (value === undefined) return defaults[name]
  if (Number.isSafeInteger(value) && value >= atLeast) return value
  throw new RunspanError(
    'bad_configuration',
    `Failed to configure ${name}: ${String(value)} cannot be used. Use a whole number of bytes, at least ${atLeast}.`,
  )
}
