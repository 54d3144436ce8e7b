import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

import { RunspanError } from '../errors.ts'
import { InstalledPackage } from './installed-package.ts'
import { TraceSdk, type ContextModule, type CoreModule, type ResourcesModule, type TraceModule } from './trace-sdk.ts'

/** The OTLP exporters by the protocol they speak. */
export const otlpPackages = {
  'http/json': '@opentelemetry/exporter-trace-otlp-http',
  'http/protobuf': '@opentelemetry/exporter-trace-otlp-proto',
  grpc: '@opentelemetry/exporter-trace-otlp-grpc',
} as const

const traceNode = '@opentelemetry/sdk-trace-node'
const trace = '@opentelemetry/sdk-trace'
const contextHooks = '@opentelemetry/context-async-hooks'
const core = '@opentelemetry/core'
const resources = '@opentelemetry/resources'
const api = '@opentelemetry/api'

/** What to ask npm for, per line of the SDK. */
const installVersions = {
  2: { api: '1.9', exporter: '0.223', sdk: '2' },
  3: { api: '1.10', exporter: '0.301', sdk: '3' },
} as const

type From = NodeJS.Require

/** The packages of one place, as far as they are there. */
interface Place {
  readonly from: From
  readonly line: 2 | 3
  /** The trace SDK: `sdk-trace-node` or `sdk-trace`. */
  readonly sdk: InstalledPackage | undefined
  readonly missing: readonly string[]
}

/** The SDK of the application, with where to look for more. */
export interface FoundSdk {
  readonly sdk: TraceSdk
  /** Finds a further package in the same place. */
  find(name: string): InstalledPackage | undefined
}

/**
 * Finds the SDK packages that the application has installed: seen from its entry, from the working directory, and last
 * from here. All come from one place, so that no two lines are mixed.
 *
 * @param exporters packages of which one is needed beside the SDK, the wanted one first; empty where none is
 * @throws {@link RunspanError} `missing_package` with the line that installs what is missing
 */
export function findSdk(exporters: readonly string[], places: readonly From[] = applicationPlaces()): FoundSdk {
  const looked = places.map((from) => lookAround(from, exporters))
  const complete = looked.find((place) => place.missing.length === 0)
  if (complete === undefined) {
    const [nearest] = looked.toSorted((one, other) => distance(one) - distance(other)) as [Place]
    throw missingPackages(nearest.line, nearest.missing)
  }
  return {
    sdk: loadSdk(complete),
    find: (name) => InstalledPackage.find(complete.from, name),
  }
}

/** How far a place is from being what the application meant: one with an SDK is nearer than any without. */
function distance({ sdk, missing }: Place): number {
  return missing.length + (sdk === undefined ? 10 : 0)
}

function applicationPlaces(): readonly From[] {
  const entry = process.argv[1]
  const files = [
    ...(entry === undefined ? [] : [resolve(entry)]),
    // A file that need not exist: only its folder matters.
    join(process.cwd(), 'runspan-application.js'),
  ]
  return [...files.map((file) => createRequire(file)), createRequire(import.meta.url)]
}

function lookAround(from: From, exporters: readonly string[]): Place {
  const isMissing = (name: string): boolean => InstalledPackage.find(from, name) === undefined
  const missingExporters = exporters.every(isMissing) ? exporters.slice(0, 1) : []
  const nodeSdk = atLeast(2, InstalledPackage.find(from, traceNode))
  const plainSdk = atLeast(2, InstalledPackage.find(from, trace))
  // Beside api 1.9 a 3.x package can only be somebody's nested copy; beside 1.10 the same goes for 2.x.
  const isNewApi = (InstalledPackage.find(from, api)?.minor ?? 0) >= 10
  const sdk = plainSdk !== undefined && plainSdk.major >= 3 && isNewApi ? plainSdk : (nodeSdk ?? plainSdk)
  if (sdk === undefined) {
    const line = isNewApi && canRunThree() ? 3 : 2
    const wanted = line === 3 ? [trace, contextHooks, core] : [traceNode]
    const apiToo = line === 2 && isNewApi ? [api] : []
    return { from, line, sdk, missing: [...apiToo, ...wanted, ...missingExporters] }
  }
  const beside = sdk.name === traceNode ? [] : [contextHooks].filter(isMissing)
  return { from, line: sdk.major >= 3 ? 3 : 2, sdk, missing: [...beside, ...missingExporters] }
}

/** 1.x is as good as missing: its spans do not say who their parent is. */
function atLeast(major: number, found: InstalledPackage | undefined): InstalledPackage | undefined {
  return found !== undefined && found.major >= major ? found : undefined
}

/** SDK 3.x asks for Node 22.15. */
function canRunThree(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 15)
}

function loadSdk({ from, line, sdk }: Place): TraceSdk {
  const near = (name: string): InstalledPackage => {
    const found = sdk!.findFromHere(name) ?? InstalledPackage.find(from, name)
    if (found === undefined) throw missingPackages(line, [name])
    return found
  }
  // Resources belong to the spans: sdk-trace-node gets them through sdk-trace-base.
  const base = sdk!.name === traceNode ? near('@opentelemetry/sdk-trace-base') : sdk!
  return new TraceSdk(
    sdk!.load() as TraceModule,
    near(core).load() as CoreModule,
    near(contextHooks).load() as ContextModule,
    (base.findFromHere(resources) ?? near(resources)).load() as ResourcesModule,
  )
}

function missingPackages(line: 2 | 3, names: readonly string[]): RunspanError {
  // An api that is only too new for the SDK is installed: it has to be asked for again, and is not what is missing.
  const absent = names.filter((name) => name !== api)
  const what = absent.join(', ')
  const isOne = absent.length === 1
  return new RunspanError(
    'missing_package',
    `Failed to set up OpenTelemetry: ${what} ${isOne ? 'is' : 'are'} not installed where the application can see ${isOne ? 'it' : 'them'}. Run: npm install ${names.map((name) => `${name}@${installVersionOf(line, name)}`).join(' ')}`,
  )
}

function installVersionOf(line: 2 | 3, name: string): string {
  const versions = installVersions[line]
  if (name === api) return versions.api
  return name.includes('/exporter-') ? versions.exporter : versions.sdk
}
