import type { calcPrice, findProvider } from '@pydantic/genai-prices'

/** The part of `@pydantic/genai-prices` that is used. */
export interface GenaiPrices {
  readonly calcPrice: typeof calcPrice
  readonly findProvider: typeof findProvider
}

/**
 * Whether the package can be asked.
 *
 * - `ready`: now and from now on.
 * - `loading`: not yet; ask again at the next call.
 * - `missing`: never in this process.
 */
export type GenaiPackageState =
  | { readonly status: 'ready'; readonly genaiPrices: GenaiPrices }
  | { readonly status: 'loading' }
  | { readonly status: 'missing'; readonly error: unknown }

/** Where `@pydantic/genai-prices` comes from. */
export interface GenaiPackage {
  /** Version of the installed package, where it can be told without loading it. */
  readonly version: string | undefined
  /** Loads the package where that has not happened, which takes a while. */
  load(): GenaiPackageState
}

const packageName = '@pydantic/genai-prices'

/**
 * The package as it is installed beside this one, loaded a moment after the first run begins, or when a call is priced.
 *
 * An `import` at the top would cost every process 35 to 60 ms and 20 MB at its start, also those that call no model
 * (`bench/prices.ts` measures it). A dynamic `import()` alone would leave the first calls unpriced, since a span that
 * ends waits for nobody. So the package is required. A bundler does not see that, and what it writes finds no package
 * at run time: then, and only then, the `import()` that it does see is started at set-up, well before the first answer
 * of a model.
 */
class InstalledGenaiPackage implements GenaiPackage {
  readonly version: string | undefined
  readonly #require: NodeJS.Require | undefined
  #state: GenaiPackageState | undefined

  constructor() {
    try {
      // Not an import of node:module: the entry that leads here loads where there is none.
      const { createRequire } = process.getBuiltinModule('node:module')
      const requireFromHere = createRequire(import.meta.url)
      this.version = versionBeside(createRequire(requireFromHere.resolve(packageName)))
      this.#require = requireFromHere
    } catch {
      this.#import()
    }
  }

  load(): GenaiPackageState {
    return (this.#state ??= this.#load())
  }

  #load(): GenaiPackageState {
    try {
      return { status: 'ready', genaiPrices: this.#require?.(packageName) as GenaiPrices }
    } catch (error) {
      return { status: 'missing', error }
    }
  }

  #import(): void {
    this.#state = { status: 'loading' }
    void this.#imported().then((state) => (this.#state = state))
  }

  async #imported(): Promise<GenaiPackageState> {
    try {
      return { status: 'ready', genaiPrices: await import('@pydantic/genai-prices') }
    } catch (error) {
      return { status: 'missing', error }
    }
  }
}

function versionBeside(requireFromPackage: NodeJS.Require): string | undefined {
  try {
    const { version } = requireFromPackage('../package.json') as { readonly version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}

let installed: GenaiPackage | undefined

/** The installed package; looked for once per process. */
export function installedGenaiPackage(): GenaiPackage {
  return (installed ??= new InstalledGenaiPackage())
}
