import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** A program that is built from files of this folder, and from nothing else but the Go modules they name. */
export interface BuildRecipe {
  /** Name of the program: `otelcol`, `jaeger`. */
  readonly name: string
  /** The files that decide what is built. Their contents are part of the cache key. */
  readonly inputs: readonly string[]
  /** Raised when {@link BuildRecipe.build} changes what it produces from the same inputs. */
  readonly revision: number
  /** Builds the program as `binary`. `directory` is empty, and gone afterwards. */
  build(directory: string, binary: string): Promise<void>
}

/** Outside the source tree, so that a fresh clone does not pay minutes for what the machine has built before. */
export function cacheDirectory(): string {
  const own = process.env['RUNSPAN_BACKENDS_CACHE']
  if (own) return own
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'runspan', 'backends')
}

/**
 * Finds what an earlier {@link buildIntoCache} left.
 *
 * @param goVersion as Go says it (`go1.26.0`). Left out where there is no Go: then any build of these inputs will do,
 *   because a machine that only restores the cache should be able to test.
 */
export function findInCache(recipe: BuildRecipe, goVersion: string | undefined): string | undefined {
  const directory = cacheDirectory()
  const prefix = entryPrefix(recipe)
  const entries = goVersion === undefined ? listDirectory(directory) : [prefix + goVersion]
  return entries
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => join(directory, entry, recipe.name))
    .find((binary) => existsSync(binary))
}

/** Builds a program, unless the cache has it, and returns its path. Two processes may do this at the same time. */
export async function buildIntoCache(recipe: BuildRecipe, goVersion: string): Promise<string> {
  const found = findInCache(recipe, goVersion)
  if (found) return found
  const directory = cacheDirectory()
  mkdirSync(directory, { recursive: true })
  const scratch = mkdtempSync(join(directory, 'building-'))
  try {
    const sources = join(scratch, 'sources')
    const result = join(scratch, 'result')
    mkdirSync(sources)
    mkdirSync(result)
    await recipe.build(sources, join(result, recipe.name))
    publish(result, join(directory, entryPrefix(recipe) + goVersion))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return join(directory, entryPrefix(recipe) + goVersion, recipe.name)
}

/** Renaming is atomic, so nobody ever sees half a binary. Whoever comes second keeps what the first one built. */
function publish(result: string, entry: string): void {
  try {
    renameSync(result, entry)
  } catch (error) {
    if (!existsSync(entry)) throw error
  }
}

function entryPrefix(recipe: BuildRecipe): string {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${recipe.revision}`)
  for (const input of recipe.inputs) hash.update(readFileSync(input))
  return `${recipe.name}-${hash.digest('hex').slice(0, 16)}-`
}

function listDirectory(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).toSorted() : []
}
