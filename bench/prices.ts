/**
 * What a priced call costs, beside the package's own `calcPrice`; what a call with rare details costs, and a breakdown of
 * the cost; what loading the package costs, and what is left of that for the first call.
 *
 *     node bench/prices.ts
 *
 * Blocks of both are run in turn, so that whatever else the machine does meets both; medians over the blocks.
 */
import { spawnSync } from 'node:child_process'

import { calcPrice } from '@pydantic/genai-prices'

import { PriceBook, type CallDetails, type PricedCall } from '../src/rollup/prices.ts'
import { median } from './paired.ts'

const rounds = 41
const callsPerBlock = 200_000
const askedCallsPerBlock = 2_000

const timestamp = new Date('2026-03-01T12:00:00Z')

const shapes: readonly (readonly [string, string, string])[] = [
  ['flat price', 'openai', 'gpt-5'],
  ['two sizes', 'gcp.gemini', 'gemini-2.5-pro'],
  ['two dates, two sizes', 'anthropic.messages', 'claude-sonnet-4-6'],
  ['hours of the day', 'deepseek', 'deepseek-v4-flash'],
  ['unknown model', 'openai', 'no-such-model'],
]

const packageProviders: Readonly<Record<string, string>> = { 'gcp.gemini': 'google', 'anthropic.messages': 'anthropic' }

let sink = 0

function nanosPerCall(calls: number, run: (index: number) => number | undefined): number {
  const start = process.hrtime.bigint()
  for (let index = 0; index < calls; index++) sink += run(index) ?? 0
  return Number(process.hrtime.bigint() - start) / calls
}

/** Each call is an object of its own, as calls are when spans end. */
function callOf(provider: string, model: string, index: number): PricedCall {
  return {
    provider,
    model,
    timeUnixMillis: timestamp.getTime() + index,
    inputTokens: 8_000 + index,
    outputTokens: 500,
    cacheReadInputTokens: 6_000,
    cacheWriteInputTokens: 500,
    reasoningOutputTokens: 100,
  }
}

const book = new PriceBook()
console.log(`Node ${process.version}, ${book.tableName}; ns per call, medians of ${rounds} blocks\n`)
for (const [name, provider, model] of shapes) {
  const ours: number[] = []
  const theirs: number[] = []
  const providerId = packageProviders[provider] ?? provider
  for (let round = 0; round < rounds; round++) {
    ours.push(nanosPerCall(callsPerBlock, (index) => book.price(callOf(provider, model, index))))
    theirs.push(
      nanosPerCall(askedCallsPerBlock, (index) => {
        const call = callOf(provider, model, index)
        const usage = {
          input_tokens: call.inputTokens,
          output_tokens: call.outputTokens,
          cache_read_tokens: call.cacheReadInputTokens,
          cache_write_tokens: call.cacheWriteInputTokens,
          output_reasoning_tokens: call.reasoningOutputTokens,
        }
        return calcPrice(usage, model, { providerId, timestamp })?.total_price
      }),
    )
  }
  const oursNanos = median(ours)
  const theirsNanos = median(theirs)
  const columns = [oursNanos, theirsNanos].map((nanos) => nanos.toFixed(0).padStart(6))
  const ratio = Math.round(theirsNanos / oursNanos)
  console.log(`${name.padEnd(22)} price ${columns[0]}   calcPrice ${columns[1]}   ${ratio} ×`)
}

const noDetails: CallDetails = {
  cacheWrite1hInputTokens: 0,
  audioInputTokens: 0,
  audioCacheReadInputTokens: 0,
  audioOutputTokens: 0,
  imageInputTokens: 0,
  imageCacheReadInputTokens: 0,
  imageOutputTokens: 0,
  serviceTier: undefined,
}
const rareShapes: readonly (readonly [string, string, string, CallDetails])[] = [
  ['an hour-long cache write', 'anthropic', 'claude-opus-5', { ...noDetails, cacheWrite1hInputTokens: 200 }],
  ['audio', 'openai', 'gpt-realtime', { ...noDetails, audioInputTokens: 500, audioOutputTokens: 300 }],
  ['flex', 'openai', 'gpt-5', { ...noDetails, serviceTier: 'flex' }],
]
console.log('\nns per call that few calls are like, and as many times a plain one of the same model\n')
for (const [name, provider, model, details] of rareShapes) {
  const plain: number[] = []
  const rare: number[] = []
  const divided: number[] = []
  for (let round = 0; round < rounds; round++) {
    plain.push(nanosPerCall(callsPerBlock, (index) => book.price(callOf(provider, model, index))))
    rare.push(nanosPerCall(callsPerBlock, (index) => book.price({ ...callOf(provider, model, index), details })))
    divided.push(nanosPerCall(callsPerBlock, (index) => book.costBreakdown(callOf(provider, model, index))?.nanoUsd))
  }
  const times = (nanos: readonly number[]): string => {
    const ratio = median(nanos.map((value, round) => value / plain[round]!)).toFixed(1)
    return `${median(nanos).toFixed(0).padStart(6)} (${ratio} ×)`
  }
  console.log(`${name.padEnd(26)} price ${times(rare)}   plain call by bucket ${times(divided)}`)
}

const firsts: number[] = []
for (let index = 0; index < rounds * 10; index++)
  firsts.push(nanosPerCall(1, () => book.price(callOf('openai', `gpt-5-${index}`, 0))))
console.log(`\nfirst call of a model: ${(median(firsts) / 1_000).toFixed(0)} µs`)

/** Runs in a process of its own, where nothing is loaded yet; prints milliseconds and megabytes of memory. */
const loading: Readonly<Record<string, string>> = {
  import: "await import('@pydantic/genai-prices')",
  require:
    "process.getBuiltinModule('node:module').createRequire(process.cwd() + '/package.json')('@pydantic/genai-prices')",
}
for (const [name, code] of Object.entries(loading)) {
  const millis: number[] = []
  const megabytes: number[] = []
  for (let round = 0; round < 11; round++) {
    const script = `const rss = process.memoryUsage.rss(), start = performance.now(); ${code}
      console.log(performance.now() - start, (process.memoryUsage.rss() - rss) / 1e6)`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    const [took, grew] = stdout.trim().split(' ').map(Number)
    millis.push(took ?? Number.NaN)
    megabytes.push(grew ?? Number.NaN)
  }
  console.log(`loading the package by ${name}: ${median(millis).toFixed(0)} ms, ${median(megabytes).toFixed(0)} MB`)
}

/** Prints the milliseconds of the first priced call of a process: right away, and a moment after a run has begun. */
const firstCalls: Readonly<Record<string, string>> = {
  'at once': '',
  'with the list loaded ahead': 'book.loadSoon(); await new Promise((resolve) => setTimeout(resolve, 300))',
}
for (const [name, code] of Object.entries(firstCalls)) {
  const millis: number[] = []
  for (let round = 0; round < 11; round++) {
    const script = `import { PriceBook } from ${JSON.stringify(new URL('../src/rollup/prices.ts', import.meta.url).href)}
      const book = new PriceBook()
      ${code}
      const start = performance.now()
      book.price(${JSON.stringify(callOf('openai', 'gpt-5', 0))})
      console.log(performance.now() - start)`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    millis.push(Number(stdout))
  }
  console.log(`first priced call of a process, ${name}: ${median(millis).toFixed(1)} ms`)
}
if (Number.isNaN(sink)) throw new Error('a price was NaN')
