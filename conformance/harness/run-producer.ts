/**
 * Runs the cases of one producer in this process. In: the producer's folder and, after it, the titles of some cases.
 * Out: its results as one line of JSON on the channel to the parent. Started by `run.ts`.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import type * as Runspan from 'runspan'

import type { Producer } from './producer.ts'
import { Recorder } from './recorder.ts'
import { runCase, type CaseResult } from './run-case.ts'

/** What one producer's process answers. */
export interface ProducerResult {
  readonly title: string
  readonly versions: Readonly<Record<string, string>>
  readonly results: readonly CaseResult[]
}

const [folder = '', ...wanted] = process.argv.slice(2)
const file = join(folder, 'producer.ts')
// The producer's own copy of everything, as an application beside it would have.
const require = createRequire(file)
const runspan = (await import(pathToFileURL(require.resolve('runspan')).href)) as typeof Runspan

const { producer } = (await import(pathToFileURL(file).href)) as { readonly producer: Producer }
const recorder = new Recorder()
await producer.start({
  idGenerator: new runspan.RunIdGenerator(),
  spanProcessors: [new runspan.RunRollupProcessor(producer.rollup), recorder],
})
const results: CaseResult[] = []
for (const one of producer.cases) {
  if (wanted.length > 0 && !wanted.some((part) => one.title.includes(part))) continue
  results.push(await runCase(producer, one, recorder, runspan))
}
const versions = Object.fromEntries(producer.packages.map((name) => [name, versionOf(name)]))
process.send?.({ title: producer.title, versions, results } satisfies ProducerResult)
process.disconnect?.()

/** The version of the package that the producer gets, found without its exports, which need not name package.json. */
function versionOf(name: string): string {
  for (const base of require.resolve.paths(name) ?? []) {
    try {
      return (require(join(base, name, 'package.json')) as { version: string }).version
    } catch {
      // Not here: further up.
    }
  }
  throw new Error(`Failed to find the version of ${name}: it is not installed. Add it to the producer's package.json.`)
}
