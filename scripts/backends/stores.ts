import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

import { startJaeger } from './jaeger.ts'
import { startTempo } from './tempo.ts'

const run = promisify(execFile)

/** A store that is not built here: one of the versions that people run today. */
export type StoreName = 'tempo' | 'jaeger'

/** Where a store comes from. `reason` is a sentence for whoever wonders why a test was skipped. */
export type StoreFound =
  | { status: 'running'; name: StoreName; version: string; queryUrl: string; otlpHttpEndpoint: string }
  | { status: 'program'; name: StoreName; version: string; binary: string }
  | { status: 'missing'; name: StoreName; reason: string }

/** A store that tests can send to and read from. */
export interface OpenStore extends AsyncDisposable {
  /** Without `v`. */
  readonly version: string
  /** Base address of the query API. */
  readonly queryUrl: string
  /** Base address for OTLP over HTTP, without `/v1/traces`. */
  readonly otlpHttpEndpoint: string
}

const titles = { tempo: 'Tempo', jaeger: 'Jaeger' } as const
/** Older ones are another dialect, which the Jaeger that is built here speaks. */
const oldest = { tempo: '3.0', jaeger: '2.19' } as const

/**
 * Looks for a running store that the environment names (`RUNSPAN_E2E_TEMPO` and `RUNSPAN_E2E_TEMPO_OTLP`, or the same
 * with `JAEGER`), which has to be empty, and else for a program on `PATH`.
 */
export async function findStore(name: StoreName): Promise<StoreFound> {
  const variable = `RUNSPAN_E2E_${name.toUpperCase()}`
  const queryUrl = process.env[variable]
  const otlpHttpEndpoint = process.env[`${variable}_OTLP`]
  try {
    if (queryUrl !== undefined && otlpHttpEndpoint !== undefined) {
      const version = await versionAt(name, queryUrl)
      if (!isAtLeast(version, oldest[name])) return tooOld(name, queryUrl, version)
      return { status: 'running', name, version, queryUrl, otlpHttpEndpoint }
    }
    const binary = onPath(name)
    if (binary === undefined) {
      const reason = `no ${titles[name]} to test against: none is on PATH, and ${variable} with ${variable}_OTLP names none`
      return { status: 'missing', name, reason }
    }
    const version = await versionOf(name, binary)
    if (!isAtLeast(version, oldest[name])) return tooOld(name, binary, version)
    return { status: 'program', name, version, binary }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { status: 'missing', name, reason: `no ${titles[name]} to test against: ${why}` }
  }
}

function tooOld(name: StoreName, where: string, version: string): StoreFound {
  const reason = `${where} is ${titles[name]} ${version}, and ${oldest[name]} or later is tested`
  return { status: 'missing', name, reason }
}

/** Tempo and Jaeger. */
export function findStores(): Promise<readonly StoreFound[]> {
  return Promise.all([findStore('tempo'), findStore('jaeger')])
}

/** Starts the program, with the file that docker-compose.yml mounts, or takes what runs already and leaves it running. */
export async function openStore(found: StoreFound): Promise<OpenStore> {
  switch (found.status) {
    case 'running':
      return { ...found, [Symbol.asyncDispose]: () => Promise.resolve() }
    case 'program': {
      const { name, version, binary } = found
      const started = name === 'tempo' ? await startTempo(binary) : await startJaeger('memory', binary)
      return { ...started, version }
    }
    case 'missing':
      throw new Error(`Failed to open a store: ${found.reason}.`)
    default:
      return found satisfies never
  }
}

async function versionAt(name: StoreName, queryUrl: string): Promise<string> {
  // Jaeger tells its version to its web page alone.
  const url = name === 'tempo' ? `${queryUrl}/api/status/buildinfo` : `${queryUrl}/`
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  return versionIn(await response.text(), url)
}

async function versionOf(name: StoreName, binary: string): Promise<string> {
  const { stdout, stderr } = await run(binary, [name === 'tempo' ? '-version' : 'version'])
  return versionIn(`${stdout}${stderr}`, binary)
}

function versionIn(text: string, where: string): string {
  const version = /(?:"version":\s*"|"gitVersion":\s*"|version )v?(\d+\.\d+[\w.+-]*)/.exec(text)?.[1]
  if (version === undefined) throw new Error(`${where} does not say its version`)
  return version
}

function onPath(program: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isAtLeast(version: string, least: string): boolean {
  return version.localeCompare(least, 'en', { numeric: true }) >= 0
}
