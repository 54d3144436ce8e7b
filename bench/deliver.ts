/**
 * What it costs to deliver a span, and what it does to the event loop: the stock chain (`BatchSpanProcessor` with an OTLP exporter) beside
 * `RunspanSpanProcessor`, with the same encoding and compression, fed with backpressure, the sink in another process.
 * Ratios are medians over launches that alternate.
 *
 * What is added to the event loop's delay is the difference to the same load without an exporter.
 *
 * `npm run bench:deliver`; `-- --quick` for fewer spans, `-- --check` to fail where a bar is missed. On a machine that is
 * busy with others, delays say more about those.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { median } from './paired.ts'

interface Measured {
  readonly spansPerSecond: number
  readonly cpuMicrosPerSpan: number
}

const isQuick = process.argv.includes('--quick')
const launches = isQuick ? 3 : 5
const spans = isQuick ? 60_000 : 400_000
const chains = ['stock', 'ours', 'ours, redacting', 'ours, spool overflow', 'ours, spool always'] as const

/** Bars of `ours` beside `stock`, where there are some. */
const settings = [
  { protocol: 'http/protobuf', compression: 'none', leastThroughput: 1.3, mostCpu: 0.7 },
  { protocol: 'http/protobuf', compression: 'gzip', leastThroughput: 1.3, mostCpu: 0.7 },
  { protocol: 'http/json', compression: 'none', leastThroughput: undefined, mostCpu: undefined },
] as const

function launch(options: Readonly<Record<string, unknown>>): unknown {
  const script = fileURLToPath(new URL('deliver-variant.mjs', import.meta.url))
  return JSON.parse(
    execFileSync(process.execPath, [script, JSON.stringify(options)], { encoding: 'utf8', timeout: 120_000 }),
  )
}

function cost(chain: string, protocol: string, compression: string): Measured {
  return launch({ chain, protocol, compression, spans }) as Measured
}

interface Delay {
  readonly p50Millis: number
  readonly p99Millis: number
  readonly maxMillis: number
}

function delay(chain: string, spansPerSecond: number, hasFatSpans: boolean): Delay {
  return launch({ chain, spansPerSecond, hasFatSpans }) as Delay
}

let isBelow = false
console.log(
  'protocol       compression  chain                  spans/s   µs CPU/span   throughput    CPU   (beside stock)',
)
for (const { protocol, compression, leastThroughput, mostCpu } of settings) {
  const rounds = Array.from({ length: launches }, () =>
    Object.fromEntries(chains.map((chain) => [chain, cost(chain, protocol, compression)] as const)),
  )
  for (const chain of chains) {
    const of = (read: (round: (typeof rounds)[number]) => number): number => median(rounds.map((round) => read(round)))
    const throughput = of((round) => round[chain]!.spansPerSecond / round['stock']!.spansPerSecond)
    const cpu = of((round) => round[chain]!.cpuMicrosPerSpan / round['stock']!.cpuMicrosPerSpan)
    const hasBar = chain === 'ours' && leastThroughput !== undefined
    const isMissed = hasBar && (throughput < leastThroughput || cpu > mostCpu)
    isBelow ||= isMissed
    console.log(
      `${protocol.padEnd(14)} ${compression.padEnd(12)} ${chain.padEnd(20)} ${of(
        (round) => round[chain]!.spansPerSecond,
      )
        .toFixed(0)
        .padStart(9)} ` +
        `${of((round) => round[chain]!.cpuMicrosPerSpan)
          .toFixed(2)
          .padStart(13)} ${throughput.toFixed(2).padStart(12)} ${cpu.toFixed(2).padStart(6)}` +
        (hasBar ? `   bars ≥ ${leastThroughput}, ≤ ${mostCpu}${isMissed ? ' MISSED' : ''}` : ''),
    )
  }
}
const loads = [
  { title: '5 000/s', spansPerSecond: 5000, hasFatSpans: false, mostAddedMillis: 2 },
  { title: '20 000/s', spansPerSecond: 20_000, hasFatSpans: false, mostAddedMillis: 2 },
  { title: '50 000/s', spansPerSecond: 50_000, hasFatSpans: false, mostAddedMillis: 2 },
  { title: '5 000/s, 5 MiB each second', spansPerSecond: 5000, hasFatSpans: true, mostAddedMillis: 5 },
] as const

/** Spans that nobody exports are what the load itself does to the event loop; ours with the redaction it has by default. */
const delayed = ['none', 'stock', 'ours', 'ours, redacting'] as const

console.log('\nspans                        chain             event loop p50 ms   p99 ms   p99 added   max ms')
for (const { title, spansPerSecond, hasFatSpans, mostAddedMillis } of loads) {
  const rounds = Array.from({ length: isQuick ? 1 : 3 }, () =>
    Object.fromEntries(delayed.map((chain) => [chain, delay(chain, spansPerSecond, hasFatSpans)] as const)),
  )
  for (const chain of delayed) {
    const of = (read: (round: (typeof rounds)[number]) => number): string => median(rounds.map(read)).toFixed(2)
    const added = of((round) => round[chain]!.p99Millis - round['none']!.p99Millis)
    const hasBar = chain.startsWith('ours')
    const isMissed = hasBar && Number(added) > mostAddedMillis
    isBelow ||= isMissed
    console.log(
      `${title.padEnd(28)} ${chain.padEnd(17)} ${of((round) => round[chain]!.p50Millis).padStart(17)} ` +
        `${of((round) => round[chain]!.p99Millis).padStart(8)} ${added.padStart(11)} ${of((round) => round[chain]!.maxMillis).padStart(8)}` +
        (hasBar ? `   bar ≤ ${mostAddedMillis}${isMissed ? ' MISSED' : ''}` : ''),
    )
  }
}
if (isBelow && process.argv.includes('--check')) process.exitCode = 1
