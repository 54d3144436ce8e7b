/**
 * What a run costs: three spans with Runspan beside the same spans by hand, one process per variant, Node and sink.
 *
 * A result counts only if a second set of raw spans, measured as the control, comes out within 0.98–1.02 of the first;
 * else the process is run again, four times at most.
 *
 * `npm run bench`: every variant on Node 24 and 20. `npm run bench -- --quick`: a glance, on Node 24 alone.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Result {
  readonly node: string
  readonly variant: string
  /** `otlp`: OpenTelemetry's batch processor and exporter on both sides. `runspan`: our processor on both sides. */
  readonly sink: 'null' | 'otlp' | 'runspan'
  readonly rounds: number
  readonly rawMicros: number
  readonly control: number
  readonly ours: number
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 20 : 200
const unitsPerBlock = 250
const tries = isQuick ? 1 : 4

/** The most that a variant may cost, as a ratio; undefined where it is shown for information. */
const bars: Readonly<Record<string, Readonly<Record<Result['sink'], number | undefined>>>> = {
  wrapped: { null: 1.2, otlp: 1.35, runspan: undefined },
  own: { null: undefined, otlp: undefined, runspan: undefined },
  'inside-span': { null: 1.2, otlp: 1.35, runspan: undefined },
  'inside-span-linked': { null: undefined, otlp: undefined, runspan: undefined },
}

function main(): void {
  execFileSync(process.execPath, [here('../node_modules/typescript/bin/tsc'), '-p', here('tsconfig.json')], {
    stdio: 'inherit',
  })
  const binaries = isQuick ? [process.execPath] : [process.execPath, node20()]
  let isOver = false
  console.log('node       variant              sink     raw µs/run   control   ratio   bar')
  for (const binary of binaries) {
    for (const [variant, limits] of Object.entries(bars)) {
      for (const sink of ['null', 'otlp', 'runspan'] as const) {
        const result = measured(binary, variant, sink)
        const bar = limits[sink]
        const verdict = bar === undefined ? '-' : result.ours <= bar ? `≤ ${bar}` : `> ${bar} OVER`
        isOver ||= bar !== undefined && result.ours > bar
        console.log(
          `${result.node.padEnd(10)} ${variant.padEnd(20)} ${sink.padEnd(8)} ${result.rawMicros.toFixed(2).padStart(10)} ` +
            `${result.control.toFixed(3).padStart(9)} ${result.ours.toFixed(3).padStart(7)}   ${verdict}`,
        )
      }
    }
  }
  if (isOver && process.argv.includes('--check')) process.exitCode = 1
}

/** One process; again where the control strays. */
function measured(binary: string, variant: string, sink: Result['sink']): Result {
  let best: Result | undefined
  for (let attempt = 0; attempt < tries; attempt++) {
    const run = spawnSync(binary, [here('run-variant.mjs'), JSON.stringify({ variant, sink, rounds, unitsPerBlock })], {
      encoding: 'utf8',
      timeout: 300_000,
    })
    if (run.status !== 0) throw new Error(`bench variant ${variant} failed: ${run.stderr}`)
    const result = JSON.parse(run.stdout) as Result
    if (best === undefined || Math.abs(result.control - 1) < Math.abs(best.control - 1)) best = result
    if (Math.abs(best.control - 1) <= 0.02) break
  }
  return best!
}

/** A Node 20 binary, from the package of that name. */
function node20(): string {
  return execFileSync('npx', ['-y', '-p', 'node@20.20.2', 'node', '-p', 'process.execPath'], {
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: (process.env['PATH'] ?? '')
        .split(':')
        .filter((part) => !part.includes('node_modules'))
        .join(':'),
    },
  }).trim()
}

main()
