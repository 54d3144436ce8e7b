/**
 * What a joined hop costs: the middleware, the carried run and the totals that come home, beside the same hop with the
 * official instrumentations alone. Two processes, one request at a time, each in a run of its own. The control is a
 * second service without the middleware: a result counts where it comes out within 0.98–1.02 of the first.
 *
 * `npm run bench:hop`. Prints medians in milliseconds, and exits with 1 under `--check` where the bar of 1.05 is passed.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { wrapAgent } from 'runspan'
import { carryRuns } from 'runspan/node'

import { pairedRounds } from './paired.ts'
import { provide } from './hop-provider.ts'

const bar = 1.05
provide()
registerInstrumentations({ instrumentations: [new UndiciInstrumentation()] })
const server = fork(fileURLToPath(new URL('hop-server.ts', import.meta.url)))
const [urls] = (await once(server, 'message')) as [Readonly<Record<'raw' | 'control' | 'ours', string>>]
carryRuns({ to: [new URL(urls.ours).host] })

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
let isOver = false
console.log('handler   raw ms   control ms   ours ms   control   ratio   added ms')
for (const [path, rounds] of [
  ['slow', 400],
  ['empty', 1500],
] as const) {
  const side = (url: string) => ({
    unit: () => wrapAgent('caller', async () => (await fetch(`${url}/${path}`)).text()),
  })
  const sides = { raw: side(urls.raw), control: side(urls.control), ours: side(urls.ours) }
  const timings = await pairedRounds(sides, { rounds, unitsPerBlock: 1, warmUpRounds: rounds >> 2 })
  const [raw, control, ours] = (['raw', 'control', 'ours'] as const).map(
    (name) => median(timings.map((round) => round[name])) / 1e6,
  ) as [number, number, number]
  if (path === 'slow') isOver = ours / raw > bar
  const columns = [raw, control, ours, control / raw, ours / raw, ours - raw]
  console.log(path.padEnd(7), ...columns.map((value) => value.toFixed(3).padStart(9)))
}
server.kill()
if (isOver && process.argv.includes('--check')) process.exitCode = 1
process.exit()
