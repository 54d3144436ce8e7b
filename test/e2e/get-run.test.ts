import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { beforeAll, describe, expect, it } from 'vitest'

import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { startJaeger } from '../../scripts/backends/jaeger.ts'
import { createJaegerReader } from '../../src/query/readers/jaeger/jaeger-reader.ts'
import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import type { RunReader } from '../../src/query/run-reader.ts'
import { manyId, manySpans } from '../support/many-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped, getRun beside curl: ${found.reason}`)

const spanCount = 10_000
const rounds = 15
const runId = manyId(1)

describe('getRun on 10,000 spans takes at most 1.5 times what curl and JSON.parse take', () => {
  describe.skipIf(found.status === 'missing')('of the same trace', () => {
    beforeAll(async () => void (await ensureBackends()), 900_000)

    it('in Jaeger', async () => {
      await using jaeger = await startJaeger()
      await sendRun(jaeger.otlpHttpEndpoint)
      await compare('Jaeger', createJaegerReader(jaeger.queryUrl), `${jaeger.queryUrl}/api/v3/traces/${runId}`)
    }, 600_000)
  })

  it('in runspan serve', async () => {
    await using server = await startServe()
    await sendRun(server.url)
    await compare('runspan serve', createServeReader(server.url), `${server.url}/api/v1/runs/${runId}`)
  }, 600_000)
})

async function compare(name: string, reader: RunReader, url: string): Promise<void> {
  for (let tries = 0; (await reader.getRun(runId, { maxSpans: 0 }))?.spanCount !== spanCount; tries++) {
    if (tries === 300) throw new Error('Failed to find what was sent.')
    await delay(200)
  }
  const ratios: number[] = []
  for (let round = 0; round < rounds; round++) {
    const started = performance.now()
    JSON.parse(await curl(url))
    const fetched = performance.now()
    expect((await reader.getRun(runId))?.spans).toHaveLength(spanCount)
    ratios.push((performance.now() - fetched) / (fetched - started))
  }
  const sorted = ratios.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(rounds / 2)]!
  console.log(
    `getRun from ${name}: ${median.toFixed(2)} times curl and JSON.parse; ${rounds} rounds from ${sorted[0]!.toFixed(2)} to ${sorted.at(-1)!.toFixed(2)}`,
  )
  expect(median).toBeLessThanOrEqual(1.5)
}

/** In a process of its own, as a backend is. */
async function startServe(): Promise<{ readonly url: string } & AsyncDisposable> {
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, 'serve', ':memory:', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  return {
    url: /http:\S+/.exec(line)![0],
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

async function sendRun(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const body = otlpJson(manySpans(1, spanCount))
  const response = await fetch(`${url}/v1/traces`, { method: 'POST', headers, body })
  expect(response.status, await response.text()).toBe(200)
}

async function curl(url: string): Promise<string> {
  return (await promisify(execFile)('curl', ['-s', url], { maxBuffer: 2 ** 30 })).stdout
}
