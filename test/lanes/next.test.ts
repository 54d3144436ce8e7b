import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { carryRuns } from '../../src/export/node.ts'
import { newRunId, wrapAgent } from '../../src/index.ts'
import type { StoredSpan } from '../../src/query/index.ts'
import { startReceiver, type Receiver } from '../../src/viewer/receiver/index.ts'
import { recordSpans } from '../support/record-spans.ts'
import { nodeBinary } from './node-binary.ts'
import { packPackage, stagePackage } from './staged-package.ts'

const run = promisify(execFile)
const workspace = mkdtempSync(join(tmpdir(), 'runspan-next-'))
const folder = join(workspace, 'app')
const next = 'node_modules/next/dist/bin/next'
let receiver: Receiver
let stored: StoredSpan[] = []
let server: ChildProcess
let url = ''

beforeAll(async () => {
  {
    using staged = stagePackage()
    const tarball = packPackage(staged, workspace)
    cpSync(fileURLToPath(new URL('next-app', import.meta.url)), folder, { recursive: true })
    await run('npm', ['ci', '--ignore-scripts'], { cwd: folder })
    await run('npm', ['install', '--ignore-scripts', '--no-save', '--no-package-lock', tarball], { cwd: folder })
  }
  receiver = await startReceiver({ port: 0, onSpans: (spans) => void stored.push(...spans) })
  const env = {
    ...process.env,
    NODE_ENV: 'production' as const,
    NEXT_TELEMETRY_DISABLED: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_BSP_SCHEDULE_DELAY: '20',
  }
  await run(nodeBinary(24)!, [next, 'build'], { cwd: folder, env })
  const args = [next, 'start', '--hostname', '127.0.0.1', '--port', '0']
  server = spawn(nodeBinary(24)!, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  url = await addressOf(server)
}, 900_000)
afterAll(async () => {
  if (server?.exitCode === null && server.kill()) await once(server, 'exit')
  await receiver?.close()
  rmSync(workspace, { recursive: true, force: true })
}, 300_000)
beforeEach(() => {
  stored = []
})

async function addressOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout! })) {
    const found = /Local: +(http:\S+)/.exec(line)?.[1]
    if (found !== undefined) return found
  }
  throw new Error('Next.js did not start.')
}

/** A run of a caller that Next.js is to join. */
function remoteRun(): { readonly runId: string; readonly headers: Record<string, string> } {
  const runId = newRunId()
  const headers = {
    traceparent: `00-${runId}-00f067aa0ba902b7-01`,
    tracestate: `runspan=${runId.slice(16)}`,
    'x-mesh': 'internal',
  }
  return { runId, headers }
}

const isSegment = ({ attributes }: StoredSpan): boolean => attributes['runspan.segment'] === true

const segments = (): readonly StoredSpan[] => stored.filter(isSegment)

/** What was stored of a run, once its one segment and its one server span are there. */
async function spansOf(runId: string): Promise<readonly StoredSpan[]> {
  const ofRun = (): readonly StoredSpan[] => stored.filter(({ traceId }) => traceId === runId)
  await expect.poll(() => ofRun().filter(isSegment), { timeout: 20_000 }).toHaveLength(1)
  await expect.poll(() => ofRun().filter(({ kind }) => kind === 'server'), { timeout: 20_000 }).toHaveLength(1)
  return ofRun()
}

async function segmentOf(runId: string): Promise<StoredSpan> {
  return (await spansOf(runId)).find(isSegment)!
}

describe('a route handler inside Next.js', () => {
  it('T26 joins below the one server span that Next.js makes, named by its route', async () => {
    for (const method of ['GET', 'POST']) {
      const { runId, headers } = remoteRun()
      const body = method === 'POST' ? '{"a":1}' : null
      const answer = await fetch(`${url}/api/find/cats`, { method, headers, body })
      const json = body === null ? null : { a: 1 }
      expect(await answer.json()).toEqual({ what: 'cats', body: json, runId, joined: true })
      const spans = await spansOf(runId)
      const segment = spans.find(isSegment)!
      expect(segment).toMatchObject({ name: `join ${method} /api/find/[what]`, kind: 'internal' })
      expect(segment.attributes).toMatchObject({ 'runspan.calls.llm': 1, 'runspan.rollup.complete': true })
      const above = spans.find(({ spanId }) => spanId === segment.parentSpanId)!
      expect(above.name).toBe('executing api route (app) /api/find/[what]')
      const [serverSpan] = spans.filter(({ kind }) => kind === 'server')
      expect(serverSpan).toMatchObject({ name: `${method} /api/find/[what]`, parentSpanId: '00f067aa0ba902b7' })
      expect(above.parentSpanId).toBe(serverSpan!.spanId)
    }
  })

  it('joins nothing on a plain traceparent, nor for a caller that is not trusted', async () => {
    const { runId, headers } = remoteRun()
    for (const left of ['tracestate', 'x-mesh']) {
      const { [left]: _, ...rest } = headers
      const answer = await fetch(`${url}/api/find/cats`, { headers: rest })
      expect(await answer.json()).toMatchObject({ runId: null, joined: null })
    }
    // The control, and the only segment.
    await (await fetch(`${url}/api/find/cats`, { headers })).text()
    await expect.poll(segments, { timeout: 20_000 }).toHaveLength(1)
    expect(segments()[0]!.traceId).toBe(runId)
  })

  it.each([
    ['status/404', 404, 'unset'],
    ['status/503', 503, 'error'],
    ['throws', 500, 'error'],
  ])('answers %s with %i, which leaves its segment %s', async (path, status, code) => {
    const { runId, headers } = remoteRun()
    const answer = await fetch(`${url}/api/${path}`, { headers })
    await answer.arrayBuffer()
    expect(answer.status).toBe(status)
    expect((await segmentOf(runId)).status.code).toBe(code)
  })

  it('lasts as long as a streamed answer, and is cancelled when its client goes away', async () => {
    const streamed = remoteRun()
    expect(await (await fetch(`${url}/api/stream`, { headers: streamed.headers })).text()).toBe('onetwothree')
    const { attributes } = await segmentOf(streamed.runId)
    expect(attributes).toMatchObject({ 'runspan.calls.llm': 1, 'runspan.spans': 6, 'runspan.rollup.complete': true })

    const left = remoteRun()
    const request = httpRequest(`${url}/api/waits`, { headers: left.headers })
    request.on('error', () => {})
    request.end()
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
    await once(response, 'data')
    request.destroy()
    const cancelled = await segmentOf(left.runId)
    expect(cancelled.attributes['runspan.end_reason']).toBe('cancelled')
    expect(cancelled.status.code).toBe('unset')
  })

  it('sends the totals of a whole answer home, and says of a streamed one that they are partial', async () => {
    await using spans = recordSpans()
    const stop = carryRuns({ to: ['127.0.0.1'] })
    const ask = async (path: string): Promise<Record<string, unknown>> => {
      const { runId, ended } = await wrapAgent('planner', async () =>
        (await fetch(`${url}/api/${path}`, { headers: { 'x-mesh': 'internal' } })).text(),
      )
      await ended
      return spans.root(runId).attributes
    }
    expect(await ask('find/cats')).toMatchObject({
      'runspan.calls.llm': 1,
      'runspan.rollup.remote_segments': 1,
      'runspan.rollup.complete': true,
    })
    expect(await ask('stream')).toMatchObject({
      'runspan.rollup.complete': false,
      'runspan.rollup.incomplete_reasons': ['partial'],
    })
    stop()
  })
})
