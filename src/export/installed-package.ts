import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

type Resolver = Pick<NodeJS.Require, 'resolve'>

const ownRequire = createRequire(import.meta.url)

/** A package that is installed where the application can see it. */
export class InstalledPackage {
  readonly name: string
  readonly version: string
  /** What `require` loads. */
  readonly entry: string
  /** What `import` loads, where that is another file. */
  readonly #moduleEntry: string | undefined

  private constructor(name: string, version: string, entry: string, moduleEntry: string | undefined) {
    this.name = name
    this.version = version
    this.entry = entry
    this.#moduleEntry = moduleEntry
  }

  /** The package as it resolves from a place, or `undefined` where it does not. */
  static find(from: Resolver, name: string): InstalledPackage | undefined {
    let entry: string
    try {
      entry = from.resolve(name)
    } catch {
      return undefined
    }
    const found = manifestAbove(entry, name)
    if (found === undefined) return undefined
    const moduleEntry = moduleEntryOf(found.manifest)
    return new InstalledPackage(
      name,
      String(found.manifest['version']),
      entry,
      moduleEntry === undefined ? undefined : join(found.directory, moduleEntry),
    )
  }

  get major(): number {
    return Number.parseInt(this.version, 10)
  }

  get minor(): number {
    return Number.parseInt(this.version.split('.')[1] ?? '0', 10)
  }

  /** Finds another package as this one does: its own dependencies, whatever the application has beside it. */
  findFromHere(name: string): InstalledPackage | undefined {
    return InstalledPackage.find(createRequire(this.entry), name)
  }

  /**
   * Loads the package, as the module that `import` would load where this Node can require one: the SDK's own CJS build
   * of 3.x takes twice as long per unsampled span, and holds a copy of the api of its own.
   */
  load(): unknown {
    if (this.#moduleEntry !== undefined && canRequireModules()) {
      try {
        return ownRequire(this.#moduleEntry) as unknown
      } catch {
        // Customisation hooks that cannot answer synchronously are one reason. The CJS build works all the same.
      }
    }
    return ownRequire(this.entry) as unknown
  }
}

function canRequireModules(): boolean {
  return (process.features as { require_module?: boolean }).require_module === true
}

type Manifest = Readonly<Record<string, unknown>>

/** A package's manifest is not reachable by name where its `exports` leave it out, so it is looked for above the entry. */
function manifestAbove(entry: string, name: string): { directory: string; manifest: Manifest } | undefined {
  for (let directory = dirname(entry); directory !== dirname(directory); directory = dirname(directory)) {
    try {
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest
      if (manifest['name'] === name) return { directory, manifest }
    } catch {
      // No manifest here, or one that only says `"type": "commonjs"`.
    }
  }
  return undefined
}

/** The file of the `default` condition, where `require` has another. */
function moduleEntryOf(manifest: Manifest): string | undefined {
  const root = (manifest['exports'] as Record<string, unknown> | undefined)?.['.'] as
    | { readonly default?: string | { readonly default?: string } }
    | undefined
  const target = typeof root?.default === 'object' ? root.default.default : root?.default
  return typeof target === 'string' && target.endsWith('.mjs') ? target : undefined
}
