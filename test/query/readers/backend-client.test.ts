import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { afterEach, describe, expect, it } from 'vitest'

import { BackendClient } from '../../../src/query/readers/http/backend-client.ts'
import { createJaegerReader } from '../../../src/query/readers/jaeger/jaeger-reader.ts'
import { idOf } from '../stored-spans.ts'

let server: Server | undefined
afterEach(async () => {
  if (server === undefined) return
  server.closeAllConnections()
  await once(server.close(), 'close')
  server = undefined
})

async function serve(answer: RequestListener): Promise<string> {
  server = createServer(answer)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('BackendClient', () => {
  it('asks again where it is told to, with 429 and with 503', async () => {
    const statuses = [429, 503, 200]
    const url = await serve((_, response) =>
      response.writeHead(statuses.shift()!, { 'retry-after': '0' }).end('{"ok":true}'),
    )
    const { status, bytes } = await new BackendClient('Test', url, {}).get('x', {}, [])
    expect(status).toBe(200)
    expect(String(Buffer.from(bytes))).toBe('{"ok":true}')
    expect(statuses).toEqual([])
  })

  it('gives up after maxRetries, and says what it was told', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked++
      response.writeHead(503, { 'retry-after': '0' }).end('too busy')
    })
    await expect(new BackendClient('Test', url, { maxRetries: 2 }).get('x', {}, [])).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('it answered 503, 3 times: too busy'),
    })
    expect(asked).toBe(3)
  })

  it('asks once more where the connection is reset, and gives up where it is reset again', async () => {
    let resets = 1
    let asked = 0
    const url = await serve((request, response) => {
      asked++
      if (resets-- > 0) request.socket.resetAndDestroy()
      else response.end('{}')
    })
    const client = new BackendClient('Test', url, {})
    expect(await client.get('x', {}, [])).toMatchObject({ status: 200 })
    expect(asked).toBe(2)
    resets = 2
    await expect(client.get('x', {}, [])).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(asked).toBe(4)
  })

  it('asks once where it is refused', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked++
      response.writeHead(401).end()
    })
    await expect(new BackendClient('Test', url, {}).get('x', {}, [])).rejects.toThrow('Check the credentials')
    expect(asked).toBe(1)
  })

  it('sends credentials and tenant, and names neither', async () => {
    const requests: IncomingMessage[] = []
    const url = await serve((request, response) => {
      requests.push(request)
      response.writeHead(500).end()
    })
    const client = new BackendClient('Test', url.replace('//', '//jo:s%3Acret@'), { tenant: 'blue' })
    const error: Error = await client.get('x', { q: 'a b' }, []).then(
      () => expect.unreachable(),
      (reason) => reason,
    )
    expect(error.message).not.toMatch(/cret|jo/)
    expect(requests[0]!.headers).toMatchObject({
      authorization: `Basic ${Buffer.from('jo:s:cret').toString('base64')}`,
      'x-scope-orgid': 'blue',
    })
    expect(requests[0]!.url).toBe('/x?q=a+b')
    await new BackendClient('Test', `${url}/base/`, { headers: { Authorization: 'Bearer t' } })
      .get('x', {}, [500])
      .then(({ status }) => expect(status).toBe(500))
    expect(requests[1]!.headers.authorization).toBe('Bearer t')
    expect(requests[1]!.url).toBe('/base/x')
  })

  it('follows no redirect: the credentials are for one host', async () => {
    const url = await serve((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end())
    await expect(new BackendClient('Test', url, {}).get('x', {}, [])).rejects.toMatchObject({
      code: 'store_unavailable',
    })
  })

  it('takes no more than maxAnswerBytes, and exactly as many', async () => {
    const url = await serve((_, response) => response.end('0123456789'))
    expect((await new BackendClient('Test', url, { maxAnswerBytes: 10 }).get('x', {}, [])).bytes).toHaveLength(10)
    await expect(new BackendClient('Test', url, { maxAnswerBytes: 9 }).get('x', {}, [])).rejects.toThrow(
      'more than 9 bytes',
    )
  })

  it('has at most maxConcurrent questions open', async () => {
    const open: (() => void)[] = []
    let most = 0
    const url = await serve((_, response) => {
      open.push(() => response.end('{}'))
      most = Math.max(most, open.length)
      // The last of a round answers all of them.
      if (open.length === 2) for (const answer of open.splice(0)) answer()
    })
    const client = new BackendClient('Test', url, { maxConcurrent: 2 })
    await Promise.all(Array.from({ length: 10 }, () => client.get('x', {}, [])))
    expect(most).toBe(2)
  })

  it('says that nobody answers, or not in time', async () => {
    const gone = await serve(() => undefined)
    await once(server!.close(), 'close')
    await expect(new BackendClient('Test', gone, {}).get('x', {}, [])).rejects.toThrow('ECONNREFUSED')
    const url = await serve(() => undefined)
    await expect(new BackendClient('Test', url, { timeoutMillis: 20 }).get('x', {}, [])).rejects.toThrow('in 20 ms')
  })

  it('refuses addresses and options that cannot work', () => {
    for (const url of ['localhost:16686', 'ftp://x', 'nothing']) {
      expect(() => new BackendClient('Test', url, {})).toThrow('begins with http:// or https://')
    }
    expect(() => new BackendClient('Test', 'http://x', { maxConcurrent: 0 })).toThrow('maxConcurrent cannot be 0')
  })
})

describe('createJaegerReader', () => {
  it('tells a place that is no Jaeger from a Jaeger that has nothing', async () => {
    const page = await serve((_, response) => response.end('<!doctype html>'))
    await expect(createJaegerReader(page).getRun(idOf('a1'))).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('Check that the address is that of the query API'),
    })
  })

  it('searches a current Jaeger by attribute, and one service after the other where the store wants that', async () => {
    const asked: string[] = []
    const url = await serve((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://x')
      asked.push(`${pathname} ${searchParams.get('query.serviceName') ?? ''}`.trim())
      if (pathname === '/api/v3/services') response.end('{"services":["one","two"]}')
      else if (pathname === '/api/v3/trace-summaries') response.end('{"summaries":[]}')
      else if (!searchParams.has('query.serviceName')) response.writeHead(400).end('{"error":{"httpCode":400}}')
      else response.writeHead(404).end('{"error":{"httpCode":404,"message":"No traces found"}}')
    })
    const reader = createJaegerReader(url)
    expect((await reader.listRuns()).items).toEqual([])
    expect((await reader.listRuns()).items).toEqual([])
    const counts = Object.fromEntries(asked.map((path) => [path, asked.filter((other) => other === path).length]))
    // A list asks twice: for the roots of runs, and for the markers of open ones.
    expect(counts).toEqual({
      '/api/v3/trace-summaries': 1,
      '/api/v3/traces': 2,
      '/api/v3/services': 4,
      '/api/v3/traces one': 4,
      '/api/v3/traces two': 4,
    })
  })

  it('refuses options that cannot work', () => {
    expect(() => createJaegerReader('http://x', { searchDepth: 0 })).toThrow('searchDepth cannot be 0')
  })
})
