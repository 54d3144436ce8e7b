import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, describe, expect, it } from 'vitest'

import { nodeBinary } from '../lanes/node-binary.ts'
import { stagePackage } from '../lanes/staged-package.ts'

type Headers = readonly (readonly [string, string])[]

interface Results {
  readonly version: string
  readonly findings: readonly unknown[]
  readonly carried: { readonly runId: string; readonly spanId: string; readonly headers: Headers }
  readonly inSpan: { readonly spanId: string; readonly headers: Headers }
  readonly unnamed: Headers
  readonly redirected: Headers
  readonly outside: Headers
  readonly own: Headers
  readonly suppressed: Headers
  readonly byPort: number
  readonly byOtherPort: number
  readonly byPattern: readonly number[]
  readonly byFunction: number
  readonly byThrowing: number
  readonly stopped: Headers
  readonly clientSpanIds: readonly string[]
}

const staged = stagePackage()
afterAll(() => staged[Symbol.dispose]())

describe.each([20, 24] as const)('carryRuns on Node %i', (major) => {
  const node = nodeBinary(major)

  it.skipIf(node === undefined)('carries a run with fetch to the hosts that are named, and to no other', async () => {
    const results = await makeRequests(node!, 'alone')
    expect(results.version).toMatch(new RegExp(`^v${major}\\.`))
    expect(results.findings).toEqual([])

    const { runId, spanId, headers } = results.carried
    expect(headers).toEqual([
      ['traceparent', `00-${runId}-${spanId}-01`],
      ['tracestate', `runspan=${runId.slice(16)}`],
    ])
    expect(results.inSpan.headers[0]?.[1]).toContain(`-${results.inSpan.spanId}-`)

    const { unnamed, redirected, outside, suppressed, stopped } = results
    expect({ unnamed, redirected, outside, suppressed, stopped }).toEqual({
      unnamed: [],
      redirected: [],
      outside: [],
      suppressed: [],
      stopped: [],
    })
    expect(results.own).toEqual([['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`]])

    const { byPort, byOtherPort, byPattern, byFunction, byThrowing } = results
    expect({ byPort, byOtherPort, byPattern, byFunction, byThrowing }).toEqual({
      byPort: 2,
      byOtherPort: 0,
      byPattern: [2, 2],
      byFunction: 2,
      byThrowing: 0,
    })
  })

  it.skipIf(node === undefined).each(['instrumentation first', 'instrumentation last'])(
    'leaves the headers to the official instrumentation: %s',
    async (order) => {
      const results = await makeRequests(node!, order)
      const { runId, headers } = results.carried
      expect(headers.map(([name]) => name)).toEqual(['traceparent', 'tracestate'])
      const [[, traceparent], [, tracestate]] = headers as [Headers[number], Headers[number]]
      expect(tracestate).toBe(`runspan=${runId.slice(16)}`)
      expect(traceparent).toContain(runId)
      expect(results.clientSpanIds).toContain(traceparent.split('-')[2])
      // The instrumentation sends to every host; that is its business, and once.
      expect(results.unnamed).toHaveLength(2)
    },
  )
})

async function makeRequests(node: string, order: string): Promise<Results> {
  const script = fileURLToPath(new URL('../fixtures/carry-runs.mjs', import.meta.url))
  const { stdout } = await promisify(execFile)(node, [script, join(staged.folder, 'dist'), staged.folder, order], {
    encoding: 'utf8',
  })
  return JSON.parse(stdout) as Results
}
