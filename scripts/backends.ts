/**
 * The real backends of the end-to-end tests: an OpenTelemetry Collector and a Jaeger, built from Go modules.
 *
 *     node scripts/backends.ts build    builds what is not cached
 *     node scripts/backends.ts where    prints where the binaries are
 *
 * Exits with 0 when the binaries are there, 1 when they are not (a build failed, or `where` found none), 2 for a wrong
 * verb, and 3 when nothing can be built because the machine has no Go.
 *
 * @module
 */
import { type BackendBinaries, ensureBackends, findBackends } from './backends/binaries.ts'

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

function print(binaries: BackendBinaries): void {
  for (const [name, path] of Object.entries(binaries)) console.log(`${name}\t${path}`)
}

const verb = process.argv[2]
try {
  if (verb === 'build') process.exitCode = await build()
  else if (verb === 'where') process.exitCode = await where()
  else {
    console.error('usage: node scripts/backends.ts build|where')
    process.exitCode = exitCodes.usage
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = exitCodes.absent
}
