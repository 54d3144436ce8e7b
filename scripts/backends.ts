/**
 * The real backends of the end-to-end tests: an OpenTelemetry Collector and a Jaeger, built from Go modules; and, where
 * there are any, a Tempo and a Jaeger of today.
 *
 *     node scripts/backends.ts build     builds what is not cached
 *     node scripts/backends.ts where     prints where the programs are
 *     node scripts/backends.ts record    writes down what Tempo and a current Jaeger answer, for tests without them
 *
 * Tempo and a current Jaeger are not built here: a `tempo` or `jaeger` on `PATH` is started, or one that runs is named by
 * `RUNSPAN_E2E_TEMPO` and `RUNSPAN_E2E_TEMPO_OTLP`, or the same with `JAEGER`.
 *
 * Exits with 0 when the binaries are there, 1 when they are not (a build failed, or `where` found none) or a recording
 * failed, 2 for a wrong verb, and 3 when nothing can be built because the machine has no Go, or nothing can be recorded.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { type BackendBinaries, ensureBackends, findBackends } from './backends/binaries.ts'
import { findStores } from './backends/stores.ts'

const exitCodes = { ready: 0, absent: 1, usage: 2, skipped: 3 } as const

async function build(): Promise<number> {
  const found = await findBackends()
  if (found.status === 'missing') {
    console.error(`skipped: ${found.reason}`)
    return exitCodes.skipped
  }
  const startedMillis = Date.now()
  const binaries = await ensureBackends()
  if (found.status === 'buildable') console.error(`built in ${Math.round((Date.now() - startedMillis) / 1000)} s`)
  print(binaries)
  return exitCodes.ready
}

async function where(): Promise<number> {
  await printStores()
  const found = await findBackends()
  switch (found.status) {
    case 'built':
      print(found.binaries)
      return exitCodes.ready
    case 'buildable':
      console.error('not built yet: run `node scripts/backends.ts build`')
      return exitCodes.absent
    case 'missing':
      console.error(`skipped: ${found.reason}`)
      return exitCodes.skipped
    default:
      return found satisfies never
  }
}

/** The contract of all readers asks, and what it is answered is written down. */
async function record(): Promise<number> {
  if ((await printStores()) === 0) return exitCodes.skipped
  const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
  const suite = ['--project', 'e2e', 'test/e2e/readers.test.ts', '-t', 'of today']
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...suite], {
    env: { ...process.env, RUNSPAN_RECORD_ANSWERS: '1' },
    stdio: 'inherit',
  })
  return status === 0 ? exitCodes.ready : exitCodes.absent
}

function print(binaries: BackendBinaries): void {
  for (const [name, path] of Object.entries(binaries)) console.log(`${name}\t${path}`)
}

/** @returns how many there are */
async function printStores(): Promise<number> {
  const stores = await findStores()
  for (const store of stores) {
    if (store.status === 'missing') console.error(`skipped: ${store.reason}`)
    else console.log(`${store.name} ${store.version}\t${store.status === 'program' ? store.binary : store.queryUrl}`)
  }
  return stores.filter(({ status }) => status !== 'missing').length
}

const verbs: Readonly<Record<string, () => Promise<number>>> = { build, where, record }
const verb = verbs[process.argv[2] ?? '']
try {
  if (verb === undefined) {
    console.error(`usage: node scripts/backends.ts ${Object.keys(verbs).join('|')}`)
    process.exitCode = exitCodes.usage
  } else process.exitCode = await verb()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = exitCodes.absent
}
