/**
 * What a joined hop costs: the middleware, the carried run and the totals that come home, beside the same hop with the
 * official instrumentations alone. Two processes, one request at a time, each in a run of its own. The control is a
 * second service without the middleware: a result counts where it comes out within 0.98–1.02 of the first.
 *
 * `npm run bench:hop`. Prints medians in milliseconds: of the first requests, whose code runs for the first times (for
 * information; whatever is new costs there most), and in the steady state. `--check` exits with 1 where a handler of
 * 5 ms takes more than 1.05 times as long in the steady state, or where the control says that nothing was measured.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { wrapAgent } from 'runspan'
import { carryRuns } from 'runspan/node'

import { median, pairedRounds } from './paired.ts'
import { provide } from './hop-provider.ts'

type Path = 'empty' | 'slow'
type Name = 'raw' | 'control' | 'ours'
type Medians = Readonly<Record<Name, number>>

const bar = 1.05
const noise = 0.02
provide()
registerInstrumentations({ instrumentations: [new UndiciInstrumentation()] })
const server = fork(fileURLToPath(new URL('hop-server.ts', import.meta.url)))
const [urls] = (await once(server, 'message')) as [Readonly<Record<Name, string>>]
carryRuns({ to: [new URL(urls.ours).host] })

const names = ['raw', 'control', 'ours'] as const

/** Medians of so many rounds, each of which asks every service once, in random order. */
async function measure(path: Path, rounds: number): Promise<Medians> {
  const side = (url: string) => ({
    unit: () => wrapAgent('caller', async () => (await fetch(`${url}/${path}`)).text()),
  })
  const sides = { raw: side(urls.raw), control: side(urls.control), ours: side(urls.ours) }
  const timings = await pairedRounds(sides, { rounds, unitsPerBlock: 1, warmUpRounds: 0 })
  const millis = names.map((name) => [name, median(timings.map((round) => round[name])) / 1e6])
  return Object.fromEntries(millis) as Medians
}

/** Asks until nothing gets faster any more: a compiler that still works on one side would be measured with it. */
async function warmUp(): Promise<void> {
  let fastest = Number.POSITIVE_INFINITY
  for (let window = 0; window < 20; window++) {
    const { raw, ours } = await measure('empty', 400)
    if (window >= 4 && raw + ours > 0.97 * fastest) return
    fastest = Math.min(fastest, raw + ours)
  }
}

function print(title: string, { raw, control, ours }: Medians): void {
  const columns = [raw, control, ours, control / raw, ours / raw, ours - raw]
  console.log(title.padEnd(20), ...columns.map((value) => value.toFixed(3).padStart(10)))
}

console.log('handler                  raw ms control ms    ours ms    control      ratio   added ms')
print('5 ms, first requests', await measure('slow', 60))
await warmUp()
const slow = await measure('slow', 600)
print('5 ms', slow)
print('empty', await measure('empty', 1500))
server.kill()
if (process.argv.includes('--check')) {
  const isQuiet = Math.abs(slow.control / slow.raw - 1) <= noise
  if (!isQuiet) console.error('The control differs from what it repeats: nothing was measured. Use a quieter machine.')
  if (!isQuiet || slow.ours / slow.raw > bar) process.exitCode = 1
}
process.exit()
