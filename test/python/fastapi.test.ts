import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

import { carryRuns } from '../../src/export/node.ts'
import { recordLlmCall, wrapAgent } from '../../src/index.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { spawnProcess } from '../support/spawn-process.ts'
import { expectTrace, kind, traceText, type ShownSpan } from '../support/trace-text.ts'

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const python = process.env['RUNSPAN_PYTHON'] ?? fromRoot('.cache/python/bin/python')

/** The Python service, on a port of its own. `npm run test:python` installs what it needs. */
async function startPython(environment: Readonly<Record<string, string>>): Promise<{ url: string } & AsyncDisposable> {
  if (!existsSync(python)) throw new Error(`${python} is not there. Run npm run test:python, which installs it.`)
  const child = spawn(python, [fromRoot('test/python/service.py')], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    url: line.toString().trim(),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

it('a FastAPI service without Runspan works in the run, passes it on to one that joins, and its part is missed', async () => {
  await using sink = await startOtlpSink()
  await using spans = recordSpans()
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_BSP_SCHEDULE_DELAY: '10' }
  await using services = spawnProcess('totals-services', {}, environment)
  const urls = await services.message<Record<string, string>>()
  await using library = await startPython({ ...environment, NEXT: urls['Fastify 5']! })
  const stop = carryRuns({ to: ['127.0.0.1'] })
  const { runId, result } = await wrapAgent('planner', async () => {
    recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 2, outputTokens: 1, costUsd: 0.004 })
    return (await (await fetch(`${library.url}/find/cats`)).json()) as { next: string }
  })
  stop()
  expect(JSON.parse(result.next)).toMatchObject({ runId, joined: true })

  await expect.poll(() => sink.of(runId).length).toBe(5)
  const shown = { kind, in: 'gen_ai.usage.input_tokens', segment: 'runspan.segment' }
  expectTrace(traceText([...spans.of(runId), ...sink.of(runId)] as ShownSpan[], shown)).toBe(`
    invoke_agent planner
      chat small-model             kind=CLIENT in=2
      GET /find/{what}             kind=SERVER
        chat small-model           kind=CLIENT in=7
        GET /find/:what            kind=SERVER segment=true
          find
            chat small-model       kind=CLIENT in=5
  `)
  expect(spans.root(runId).attributes).toMatchObject({
    'runspan.usage.input_tokens': 2,
    'runspan.rollup.complete': false,
    'runspan.rollup.incomplete_reasons': ['no_answer'],
  })
})
