import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'

import { stats, wrapAgent } from '../../../src/index.ts'
import { Whereabouts, endOf, hosts } from '../../support/hosts.ts'
import { recordSpans } from '../../support/record-spans.ts'

function body(where: Whereabouts, ...chunks: readonly string[]): ReadableStream<Uint8Array> {
  const left = [...chunks]
  return new ReadableStream(
    {
      pull(controller) {
        where.step()
        const next = left.shift()
        if (next === undefined) controller.close()
        else controller.enqueue(new TextEncoder().encode(next))
      },
    },
    { highWaterMark: 0 },
  )
}

describe.each(hosts)('$name of a Response', (host) => {
  it('lasts until the body has been read; status, status text, headers and body are the same', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const headers = new Headers({ 'content-type': 'text/plain; charset=utf-8', 'x-run': 'yes' })
    headers.append('set-cookie', 'a=1; Path=/')
    headers.append('set-cookie', 'b=2; HttpOnly')
    const hosted = await host.start(
      spans,
      () => new Response(body(where, 'hel', 'lo'), { status: 201, statusText: 'Made', headers }),
    )
    const { result } = hosted
    expect(result).toBeInstanceOf(Response)
    expect({ status: result.status, statusText: result.statusText, ok: result.ok }).toEqual({
      status: 201,
      statusText: 'Made',
      ok: true,
    })
    expect(result.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; HttpOnly'])
    expect(result.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(result.headers.get('x-run')).toBe('yes')
    expect([...result.headers.keys()].toSorted()).toEqual([...headers.keys()].toSorted())
    expect(result.bodyUsed).toBe(false)
    expect(endOf(hosted.span())).toBe('open')
    where.outside()
    expect(await result.text()).toBe('hello')
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(3, hosted)
    hosted.close()
  })

  it.each([
    ['json', (response: Response) => response.json(), { a: 1 }],
    ['bytes', async (response: Response) => (await response.arrayBuffer()).byteLength, 7],
    [
      'a clone',
      (response: Response) => Promise.all([response.clone().text(), response.text()]),
      ['{"a":1}', '{"a":1}'],
    ],
  ])('may be read as %s', async (_what, read, expected) => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => new Response(body(new Whereabouts(), '{"a":1}')))
    expect(await read(hosted.result)).toEqual(expected)
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('is cancelled where its reader goes away', async () => {
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => new Response(body(new Whereabouts(), 'a', 'b')))
    await hosted.result.body!.cancel()
    expect(endOf(hosted.span())).toBe('cancelled: cancelled')
    hosted.close()
  })

  it('fails where its body fails', async () => {
    await using spans = recordSpans()
    const thrown = new RangeError('lost')
    const hosted = await host.start(
      spans,
      () => new Response(new ReadableStream({ pull: () => Promise.reject(thrown) }, { highWaterMark: 0 })),
    )
    await expect(hosted.result.text()).rejects.toBe(thrown)
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    hosted.close()
  })

  it.each([
    ['without a body', (): Response => new Response(null, { status: 204 })],
    ['that says where to go', (): Response => Response.redirect('http://example.test/', 302)],
    ['of an error', (): Response => Response.error()],
  ])('ends at once with one %s, which stays the same', async (_what, make) => {
    await using spans = recordSpans()
    const response = make()
    const hosted = await host.start(spans, () => response)
    expect(hosted.result).toBe(response)
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('ends at once with one whose status no response can be built with, and counts that', async () => {
    await using spans = recordSpans()
    const before = stats().streamsNotFollowed
    const upgrade = { status: 101, bodyUsed: false, body: body(new Whereabouts()), [Symbol.toStringTag]: 'Response' }
    const hosted = await host.start(spans, () => upgrade)
    expect(hosted.result).toBe(upgrade)
    expect(endOf(hosted.span())).toBe('completed')
    expect(stats().streamsNotFollowed).toBe(before + 1)
    hosted.close()
  })

  it('ends at once where its body is in somebody’s hands already', async () => {
    await using spans = recordSpans()
    const used = new Response('used')
    await used.text()
    const locked = new Response('locked')
    const reader = locked.body!.getReader()
    const before = stats().streamsNotFollowed
    for (const response of [used, locked]) {
      const hosted = await host.start(spans, () => response)
      expect(hosted.result).toBe(response)
      hosted.close()
    }
    expect(spans.all.filter((span) => span.name.endsWith('host')).map(endOf)).toEqual(['completed', 'completed'])
    expect(stats().streamsNotFollowed).toBe(before + 1)
    reader.releaseLock()
  })

  it('follows the body of node-fetch’s, a Node stream, where it is', async () => {
    await using spans = recordSpans()
    const response = {
      status: 200,
      bodyUsed: false,
      body: Readable.from(['a', 'b']),
      [Symbol.toStringTag]: 'Response',
    }
    const hosted = await host.start(spans, () => response)
    expect(hosted.result).toBe(response)
    expect(endOf(hosted.span())).toBe('open')
    for await (const chunk of hosted.result.body) void chunk
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })
})

describe('the response of an agent that calls another service', () => {
  it('is streamed through, and a visitor who leaves reaches that service', async () => {
    let left: (() => void) | undefined
    const hasLeft = new Promise<void>((resolve) => {
      left = resolve
    })
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: first\n\n')
      response.on('close', () => left?.())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await using spans = recordSpans()
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const { result, runId } = await wrapAgent('proxy', () => fetch(url))
      expect(result.headers.get('content-type')).toBe('text/event-stream')
      const reader = result.body!.getReader()
      const { value } = await reader.read()
      expect(new TextDecoder().decode(value)).toBe('data: first\n\n')
      await reader.cancel()
      await hasLeft
      expect(endOf(spans.root(runId))).toBe('cancelled: cancelled')
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })
})
