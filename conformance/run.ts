/**
 * Runs real producers of spans against a model server with open books and compares Runspan's totals with the bill.
 *
 * `npm run conformance` runs all of them and writes `docs/conformance.md`; with names of producers it runs those and
 * writes nothing. `--check` writes nothing either, and fails where the committed page says something else.
 * `--case <text>` picks cases by a part of their title.
 *
 * @module
 */
import { execFile, fork } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

import { installProducers, installRunspan, producerNames } from './harness/install.ts'
import type { ProducerResult } from './harness/run-producer.ts'
import { renderPage } from './harness/table.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true, default: [] },
    verbose: { type: 'boolean', default: false },
  },
})
const names = positionals.length > 0 ? positionals : producerNames()
const isWhole = positionals.length === 0 && options.case.length === 0
const page = fileURLToPath(new URL('../docs/conformance.md', import.meta.url))

/** Longer than any producer takes. */
const timeoutMillis = 120_000

installProducers()
installRunspan(names)

const waiting = [...names]
const results = new Map<string, ProducerResult>()
let failures = 0
// Two at a time: a producer waits for the server more than it works.
await Promise.all([drain(), drain(), ...(isWhole ? [checkTypes()] : [])])

if (isWhole && failures === 0) {
  const text = renderPage(names.flatMap((name) => results.get(name) ?? []))
  if (!options.check) writeFileSync(page, text)
  else if (readFileSync(page, 'utf8') !== text) {
    failures++
    console.error('docs/conformance.md is not what the suite makes. Run npm run conformance and commit the page.')
    const committed = new Set(readFileSync(page, 'utf8').split('\n'))
    for (const line of text.split('\n')) if (!committed.has(line)) console.error(`+ ${line}`)
  }
}
if (failures > 0) {
  console.error(`${failures} failures`)
  process.exitCode = 1
}

async function drain(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const startedMillis = Date.now()
    const result = await runProducer(name)
    const seconds = ((Date.now() - startedMillis) / 1000).toFixed(1)
    if (result === undefined || result.results.length === 0) {
      failures++
      console.error(`✗ ${name}: no results after ${seconds} s`)
      continue
    }
    results.set(name, result)
    report(name, result, seconds)
  }
}

/** The project's type check leaves the producers out, because their packages are installed here alone. */
async function checkTypes(): Promise<void> {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))
  const project = fileURLToPath(new URL('tsconfig.json', import.meta.url))
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', project])
  } catch (error) {
    failures++
    console.error((error as { readonly stdout?: string }).stdout ?? error)
  }
}

function report(name: string, { results: cases }: ProducerResult, seconds: string): void {
  const wrong = cases.filter(({ problems }) => problems.length > 0)
  failures += wrong.length
  console.log(
    `${wrong.length === 0 ? '✓' : '✗'} ${name}: ${cases.length - wrong.length} of ${cases.length} cases, ${seconds} s`,
  )
  for (const { title, problems } of wrong) console.log(`  ✗ ${title}\n    ${problems.join('\n    ')}`)
}

function runProducer(name: string): Promise<ProducerResult | undefined> {
  const folder = fileURLToPath(new URL(`producers/${name}`, import.meta.url))
  const script = fileURLToPath(new URL('harness/run-producer.ts', import.meta.url))
  return new Promise((resolve) => {
    let result: ProducerResult | undefined
    let output = ''
    const child = fork(script, [folder, ...options.case], {
      cwd: folder,
      env: { ...process.env, OTEL_SDK_DISABLED: undefined, OPENAI_API_KEY: 'none', ANTHROPIC_API_KEY: 'none' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      timeout: timeoutMillis,
      serialization: 'json',
    })
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (piece: Buffer) => (output += piece.toString()))
    }
    child.on('message', (message: ProducerResult) => (result = message))
    child.once('close', (code) => {
      if (output !== '' && (options.verbose || code !== 0 || result === undefined)) console.error(output)
      resolve(code === 0 ? result : undefined)
    })
  })
}
