import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { createServeReader } from '../../src/query/readers/serve/serve-reader.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { serve } from '../../src/viewer/serve/serve.ts'
import { describeReader } from '../query/reader-contract.ts'
import { idOf, root, span } from '../query/stored-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const abilities = { knowsTotals: true, listsOpenRuns: true, keepsLists: true, keepsTraceState: true }

describeReader('runspan serve', abilities, async (spans) => {
  const server = await serve({ path: ':memory:', port: 0 })
  await send(server.url, spans)
  return { reader: createServeReader(server.url), [Symbol.asyncDispose]: () => server.close() }
})

describe('serve', () => {
  it('has what it acknowledged when it is started again', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'runspan-serve-'))
    const path = join(directory, 'runs.db')
    {
      await using server = await serve({ path, port: 0 })
      await send(server.url, [root(idOf('a1'))])
    }
    {
      await using server = await serve({ path, port: 0 })
      expect((await createServeReader(server.url).getRun(idOf('a1')))?.runId).toBe(idOf('a1'))
    }
    await rm(directory, { recursive: true })
  })

  it('shows a tenant nothing of another', async () => {
    await using server = await serve({ path: ':memory:', port: 0 })
    await send(server.url, [root(idOf('a1'))], { 'x-scope-orgid': 'blue' })
    expect(await createServeReader(server.url, { tenant: 'blue' }).getRun(idOf('a1'))).toBeDefined()
    expect(await createServeReader(server.url, { tenant: 'red' }).getRun(idOf('a1'))).toBeUndefined()
    expect(await createServeReader(server.url).getRun(idOf('a1'))).toBeUndefined()
  })

  it('gives values back that JSON does not have', async () => {
    await using server = await serve({ path: ':memory:', port: 0 })
    const attributes = {
      big: 2n ** 62n,
      bytes: Uint8Array.of(0, 255),
      nan: Number.NaN,
      empty: null,
      startUnixNano: '12',
    }
    const sent = span(idOf('a1'), { attributes })
    await server.store.write([sent])
    expect((await createServeReader(server.url).getRun(idOf('a1')))?.spans).toEqual([sent])
  })

  it('lets go of a walk that is left early, and goes on answering', async () => {
    await using server = await serve({ path: ':memory:', port: 0 })
    await server.store.write(Array.from({ length: 3_000 }, (_, at) => span(idOf('a1'), { from: at })))
    const reader = createServeReader(server.url, { maxConcurrent: 1 })
    for (let walks = 0; walks < 3; walks++) {
      for await (const first of reader.iterateSpans(idOf('a1'))) {
        expect(first.traceId).toBe(idOf('a1'))
        break
      }
    }
    // With one request at a time, a walk that held on would leave no room for this.
    expect((await reader.getRun(idOf('a1'), { maxSpans: 0 }))?.spanCount).toBe(3_000)
  })

  it('answers to names of this machine alone', async () => {
    await using server = await serve({ path: ':memory:', port: 0 })
    expect(await statusWithHost(server.url, 'evil.example')).toBe(403)
    expect(await statusWithHost(server.url, `localhost:1`)).toBe(200)
    expect(await statusWithHost(server.url, `127.0.0.1`)).toBe(200)
  })

  it('says what it is, and 404 to what it has not', async () => {
    await using server = await serve({ path: ':memory:', port: 0 })
    const get = async (path: string, method = 'GET'): Promise<[number, unknown]> => {
      const response = await fetch(`${server.url}${path}`, { method })
      return [response.status, await response.json()]
    }
    expect(await get('/api/v1')).toMatchObject([200, { version: 1 }])
    expect(await get('/api/v1/nothing')).toMatchObject([404, { error: { code: 'not_found' } }])
    expect(await get(`/api/v1/runs/${idOf('a1')}`)).toMatchObject([404, { error: { code: 'not_found' } }])
    expect(await get('/api/v1/runs', 'POST')).toMatchObject([404, {}])
    expect(await get('/api/v1/runs?limit=5000')).toMatchObject([400, { error: { code: 'bad_request' } }])
    expect(await get('/api/v1/runs?limit=x')).toMatchObject([400, { error: { code: 'bad_request' } }])
    expect(await get('/api/v1/runs?minCostNanoUsd=x')).toMatchObject([400, { error: { code: 'bad_request' } }])
    expect(await get('/api/v1/runs/order-7')).toMatchObject([400, {}])
    expect(await get('/api/v1/threads/%ff')).toMatchObject([400, {}])
  })
})

async function send(url: string, spans: readonly StoredSpan[], headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(`${url}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: otlpJson(spans),
  })
  expect(response.status, await response.text()).toBe(200)
}

/** fetch does not let a host be named. */
async function statusWithHost(url: string, host: string): Promise<number | undefined> {
  const request = httpRequest(`${url}/api/v1`, { headers: { host } })
  request.end()
  const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }]
  response.resume()
  return response.statusCode
}
