import { createHmac, randomBytes } from 'node:crypto'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { describe, expect, it } from 'vitest'

import {
  currentRunId,
  expressMiddleware,
  injectRun,
  newRunId,
  propagationHeaders,
  RunspanError,
  wrapAgent,
  type Trust,
  type TrustKey,
} from '../../src/index.ts'
import { nodeHandler } from '../../src/propagation/middleware/index.ts'
import { shared } from '../../src/run/shared.ts'
import { systemClock } from '../../src/internal/clock.ts'
import { countsFromNow } from '../support/counts.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { recordSpans } from '../support/record-spans.ts'
import { serve } from '../support/serve.ts'

const key: TrustKey = { id: '2026-11', secret: randomBytes(32).toString('base64') }
const oldKey: TrustKey = { id: '2026-10', secret: randomBytes(32).toString('base64') }
const foreignKey: TrustKey = { id: key.id, secret: randomBytes(32).toString('base64') }

interface Ask extends AsyncDisposable {
  /** The run that the service says it is in. */
  (headers: Record<string, string | string[]>): Promise<string>
}

/** A real service that trusts so and answers which run it is in. */
async function service(trust: Trust): Promise<Ask> {
  const spans = recordSpans()
  const server = await serve(
    nodeHandler((_request, response) => void response.end(currentRunId() ?? 'none'), { trust }),
  )
  async function ask(headers: Record<string, string | string[]>): Promise<string> {
    const answer = await fetch(server.url, {
      headers: Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().map((one): [string, string] => [name, one]),
      ),
    })
    return answer.text()
  }
  return Object.assign(ask, {
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await spans[Symbol.asyncDispose]()
    },
  })
}

async function signedRun(by: TrustKey = key): Promise<{ runId: string; headers: Record<string, string> }> {
  const { runId, result } = await wrapAgent('planner', () => propagationHeaders({ trustKey: by }))
  return { runId, headers: result }
}

describe('trust by a shared secret', () => {
  it('joins a run that is signed with it, and none that is not', async () => {
    await using ask = await service({ keys: [key] })
    const { runId, headers } = await signedRun()
    expect(await ask(headers)).toBe(runId)
    const { 'runspan-trust': _, ...unsigned } = headers
    const counts = countsFromNow()
    expect(await ask(unsigned)).toBe('none')
    // No signature is no forgery.
    expect(counts()).toEqual({ requestsUntrusted: 1 })
  })

  it('takes every key of the list, so that a secret can be changed without a gap', async () => {
    {
      await using ask = await service({ keys: [key, oldKey] })
      for (const by of [key, oldKey]) {
        const { runId, headers } = await signedRun(by)
        expect(await ask(headers)).toBe(runId)
      }
    }
    await using ask = await service({ keys: [key] })
    expect(await ask((await signedRun(oldKey)).headers)).toBe('none')
  })

  it('is an HMAC over the trace id, the key’s id and the expiry, in a header of its own', async () => {
    await using _ = await service({ keys: [key] })
    const { runId, headers } = await signedRun()
    const [version, id, expiry, signature] = headers['runspan-trust']!.split(';')
    const text = `runspan-trust\nv1\n${runId}\n${key.id}\n${expiry}`
    expect([version, id, signature]).toEqual([
      'v1',
      key.id,
      createHmac('sha256', key.secret).update(text).digest('base64url'),
    ])
    expect(Number(expiry) * 1000 - Date.now()).toBeGreaterThan(55_000)
    expect(Number(expiry) * 1000 - Date.now()).toBeLessThanOrEqual(61_000)
    expect(headers['tracestate']).toBe(`runspan=${runId.slice(16)}`)
  })

  it('joins none of 1 000 headers that are forged, expired, or replayed with another trace id', async () => {
    await using ask = await service({ keys: [key] })
    const { headers, runId } = await signedRun()
    const [, , expiry, signature] = headers['runspan-trust']!.split(';') as [string, string, string, string]
    const expired = String(Math.floor(Date.now() / 1000) - 1)
    const forgeries: ((at: number) => Record<string, string | string[]>)[] = [
      (at) => ({ ...headers, 'runspan-trust': `v1;${key.id};${expiry};${flipped(signature, at)}` }),
      () => ({ ...headers, 'runspan-trust': `v1;${key.id};${expiry};${randomBytes(32).toString('base64url')}` }),
      (at) => ({ ...headers, 'runspan-trust': `v1;${key.id};${Number(expiry) + 1 + at};${signature}` }),
      () => ({ ...headers, 'runspan-trust': `v1;${key.id};${expired};${signatureOf(runId, key, expired)}` }),
      () => ({ ...headers, 'runspan-trust': `v1;${key.id};${expiry};${signatureOf(runId, foreignKey, expiry)}` }),
      () => ({ ...headers, 'runspan-trust': `v1;${oldKey.id};${expiry};${signatureOf(runId, oldKey, expiry)}` }),
      () => ({ ...otherRun(), 'runspan-trust': headers['runspan-trust']! }),
      () => ({ ...headers, 'runspan-trust': [headers['runspan-trust']!, headers['runspan-trust']!] }),
      (at) => ({ ...headers, 'runspan-trust': headers['runspan-trust']!.slice(0, at % 80) + 'x' }),
      () => ({ ...headers, 'runspan-trust': `${headers['runspan-trust']}${'x'.repeat(4000)}` }),
    ]
    const counts = countsFromNow()
    for (let at = 0; at < 100; at++) {
      const answers = await Promise.all(forgeries.map((forge) => ask(forge(at))))
      expect(answers).toEqual(forgeries.map(() => 'none'))
    }
    expect(counts()).toEqual({ requestsUntrusted: 1000, trustHeadersRejected: 1000 })
    // The control: the one that they were made from is still good.
    expect(await ask(headers)).toBe(runId)
  })

  it('holds for a minute', async () => {
    await using ask = await service({ keys: [key] })
    const { headers, runId } = await signedRun()
    const clock = new FakeClock()
    shared().clock = clock
    try {
      const signed = await signedRun()
      expect(await ask(signed.headers)).toBe(signed.runId)
      clock.advance(61_000)
      expect(await ask(signed.headers)).toBe('none')
    } finally {
      shared().clock = systemClock
    }
    expect(await ask(headers)).toBe(runId)
  })

  it('goes onto any carrier, and a stale signature comes off', async () => {
    await using _ = recordSpans()
    await wrapAgent('planner', () => {
      expect(injectRun(new Headers(), { trustKey: key }).get('runspan-trust')).toMatch(/^v1;2026-11;/)
    })
    expect(injectRun({ 'Runspan-Trust': 'v1;…', a: '1' })).toEqual({ a: '1' })
  })

  it('sends a run unsigned, and counts that, where the key cannot be used: the agent goes on', async () => {
    await using _ = recordSpans()
    const counts = countsFromNow()
    const { headers } = await signedRun({ id: 'a', secret: undefined as never })
    expect(Object.keys(headers)).toEqual(['traceparent', 'tracestate'])
    expect(counts()).toMatchObject({ carriersNotWritten: 1 })
  })
})

describe('trust by address', () => {
  it('joins callers from the networks that are named', async () => {
    const { runId, headers } = otherRunWithId()
    for (const trust of [['127.0.0.1'], ['10.0.0.0/8', '127.0.0.0/8'], ['::1/128', '127.0.0.1/32']]) {
      await using ask = await service(trust)
      expect(await ask(headers)).toBe(runId)
    }
    for (const trust of [[], ['10.0.0.0/8'], ['::1'], ['127.0.0.2']]) {
      await using ask = await service(trust)
      expect(await ask(headers)).toBe('none')
    }
  })

  it('takes an IPv4 address that comes in as IPv6 for what it is', async () => {
    await using _ = recordSpans()
    const { runId, headers } = otherRunWithId()
    const listener = nodeHandler(
      (_request: IncomingMessage, response: ServerResponse) => void response.end(currentRunId() ?? 'none'),
      {
        trust: ['127.0.0.0/8'],
      },
    )
    const server = createServer(listener)
    await new Promise<void>((resolve) => server.listen(0, '::', resolve))
    const { port } = server.address() as AddressInfo
    const text = await new Promise<string>((resolve) => {
      request({ host: '127.0.0.1', port, headers }, (response) =>
        response.once('data', (chunk) => resolve(String(chunk))),
      ).end()
    })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(text).toBe(runId)
  })

  it('looks at no header: whoever writes X-Forwarded-For is from where it is', async () => {
    await using ask = await service(['10.0.0.0/8'])
    expect(await ask({ ...otherRun(), 'x-forwarded-for': '10.1.1.1', forwarded: 'for=10.1.1.1' })).toBe('none')
  })
})

describe('a trust that cannot work', () => {
  it.each([
    ['is missing', undefined],
    ['is a name', ['search.internal']],
    ['is no network', ['10.0.0.0/33']],
    ['is half a network', ['10.0.0.0/']],
    ['is a short secret', { keys: [{ id: 'a', secret: 'hunter2' }] }],
    ['is a key without an id', { keys: [{ secret: key.secret }] }],
    ['is a key for no time', { keys: [{ ...key, validMillis: 0 }] }],
    ['is a text', 'yes'],
    ['is a promise', Promise.resolve(true)],
  ])('is an error at set-up where it %s', (_name, trust) => {
    const failure = thrownBy(() => expressMiddleware({ trust: trust as never }))
    expect(RunspanError.is(failure) && failure.code).toBe('bad_configuration')
    // No message holds a secret.
    expect(String(failure)).not.toContain('hunter2')
    expect(String(failure)).not.toContain(key.secret)
  })
})

function thrownBy(fn: () => unknown): unknown {
  try {
    fn()
    return undefined
  } catch (error) {
    return error
  }
}

function signatureOf(runId: string, { id, secret }: TrustKey, expiry: string): string {
  return createHmac('sha256', secret).update(`runspan-trust\nv1\n${runId}\n${id}\n${expiry}`).digest('base64url')
}

function otherRunWithId(): { runId: string; headers: Record<string, string> } {
  const runId = newRunId()
  return {
    runId,
    headers: { traceparent: `00-${runId}-00f067aa0ba902b7-01`, tracestate: `runspan=${runId.slice(16)}` },
  }
}

function otherRun(): Record<string, string> {
  return otherRunWithId().headers
}

/** The same with one bit changed; the last character of 43 holds two that say nothing. */
function flipped(signature: string, at: number): string {
  const bytes = Buffer.from(signature, 'base64url')
  bytes[at % bytes.length]! ^= 1 << (at % 8)
  return bytes.toString('base64url')
}
