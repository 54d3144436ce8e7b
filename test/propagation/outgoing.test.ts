import { once } from 'node:events'
import { createServer, request as httpRequest, type ClientRequest } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'

import { SpanKind } from '@opentelemetry/api'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Agent, fetch as undiciFetch, interceptors, request as undiciRequest } from 'undici'

import { extractRun, injectRun, joinRun, propagationHeaders, RunspanError, wrapAgent } from '../../src/index.ts'
import { carryingFetch, carryingInterceptor, carryRuns, type CarryOptions } from '../../src/export/node.ts'
import { hostMatcher } from '../../src/propagation/hosts.ts'
import { recordSpans } from '../support/record-spans.ts'

/** The headers of ours that arrived, each with all its values. */
type Arrived = Readonly<Record<string, readonly string[]>>

interface Target {
  /** Named. */
  readonly url: string
  /** The same server under a name that is not on the list. */
  readonly otherUrl: string
  readonly arrived: Arrived[]
}

let target: Target & AsyncDisposable
beforeEach(async () => {
  target = await startTarget()
})
afterEach(async () => {
  await target[Symbol.asyncDispose]()
})

const named: CarryOptions = { to: ['localhost'] }
const names = ['traceparent', 'tracestate', 'runspan-trust', 'baggage']

/** Every way to send a run that goes through undici. */
const senders: Readonly<Record<string, (url: string, options: CarryOptions) => Promise<unknown>>> = {
  carryRuns: async (url, options) => {
    const stop = carryRuns(options)
    try {
      await (await fetch(url)).text()
    } finally {
      stop()
    }
  },
  'carryingFetch with Node’s fetch': async (url, options) => (await carryingFetch(options)(url)).text(),
  'carryingFetch with undici’s fetch': async (url, options) =>
    (await carryingFetch({ ...options, fetch: undiciFetch })(url)).text(),
  'carryingInterceptor with undici’s request': async (url, options) => {
    const dispatcher = new Agent().compose(interceptors.redirect({ maxRedirections: 3 }), carryingInterceptor(options))
    return (await undiciRequest(url, { dispatcher })).body.text()
  },
  'carryingInterceptor outside of the one for redirects': async (url, options) => {
    const dispatcher = new Agent().compose(carryingInterceptor(options), interceptors.redirect({ maxRedirections: 3 }))
    return (await undiciRequest(url, { dispatcher })).body.text()
  },
}

describe.each(Object.entries(senders))('%s', (_name, send) => {
  it('carries a run to a host that is named, and to no other, and nothing outside a run', async () => {
    await using _ = recordSpans()
    const { runId } = await wrapAgent('planner', async () => {
      await send(target.url, named)
      await send(target.otherUrl, named)
    })
    await send(target.url, named)
    expect(target.arrived).toEqual([
      { traceparent: [expect.stringContaining(runId)], tracestate: [`runspan=${runId.slice(16)}`] },
      {},
      {},
    ])
  })

  it('takes nothing along to where it is redirected', async () => {
    await using _ = recordSpans()
    await wrapAgent('planner', () => send(`${target.url}/away`, { ...named, trustKey }))
    expect(target.arrived.map((headers) => Object.keys(headers).length)).toEqual([3, 0])
  })

  it('sends a signature and ids where it is told to, to hosts that are named', async () => {
    await using _ = recordSpans()
    const options: CarryOptions = { ...named, trustKey, baggage: ['gen_ai.conversation.id'] }
    const ids = { conversationId: 'c/1', userId: 'u-7' }
    await wrapAgent(
      'planner',
      async () => {
        await send(target.url, options)
        await send(target.otherUrl, options)
      },
      ids,
    )
    expect(target.arrived[0]).toMatchObject({
      'runspan-trust': [expect.stringMatching(/^v1;mesh;/)],
      baggage: ['gen_ai.conversation.id=c%2F1'],
    })
    expect(target.arrived[1]).toEqual({})
  })

  it.each(['before', 'after'])(
    'sends one context, the client span’s, beside the official instrumentation started %s',
    async (order) => {
      await using spans = recordSpans()
      // The first request makes whoever listens by need listen.
      if (order === 'after') await send(target.url, named)
      const instrumentation = new UndiciInstrumentation()
      instrumentation.setTracerProvider(spans.provider)
      try {
        await wrapAgent('planner', () => send(target.url, { ...named, trustKey }))
      } finally {
        instrumentation.disable()
      }
      const arrived = target.arrived.at(-1)!
      const client = spans.span('GET')
      expect(arrived['traceparent']).toEqual([`00-${client.spanContext().traceId}-${client.spanContext().spanId}-01`])
      expect(arrived['tracestate']).toHaveLength(1)
      expect(arrived['runspan-trust']).toHaveLength(1)
    },
  )
})

it('lets a context that is sent by hand be', async () => {
  await using _ = recordSpans()
  const stop = carryRuns(named)
  const own = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }
  await wrapAgent('planner', async () => (await fetch(target.url, { headers: own })).text())
  stop()
  expect(target.arrived).toEqual([{ traceparent: [own.traceparent] }])
})

it('is an error at set-up without a list of hosts', () => {
  for (const to of [undefined, 'localhost', [7]]) {
    expect(() => carryRuns({ to: to as never })).toThrow(/Failed to configure carryRuns/)
    expect(() => carryingFetch({ to: to as never })).toThrow(/Failed to configure carryingFetch/)
    expect(() => carryingInterceptor({ to: to as never })).toThrow(/Failed to configure carryingInterceptor/)
  }
  expect(() => carryingFetch({ ...named, trustKey: { id: 'a', secret: 'short' } })).toThrow(RunspanError)
})

it('sends one context where propagationHeaders are given by hand beside the instrumentation, once runs are carried', async () => {
  await using spans = recordSpans()
  const instrumentation = new UndiciInstrumentation()
  instrumentation.setTracerProvider(spans.provider)
  const byHand = async (): Promise<string> => (await fetch(target.url, { headers: propagationHeaders() })).text()
  await wrapAgent('planner', byHand)
  const stop = carryRuns(named)
  await wrapAgent('planner', byHand)
  stop()
  instrumentation.disable()
  // The control: that is what the instrumentation does.
  expect(target.arrived.map((headers) => headers['traceparent']?.length)).toEqual([2, 1])
})

describe('node:http', () => {
  it('carries a run that is written onto the request', async () => {
    await using _ = recordSpans()
    const { runId } = await wrapAgent('planner', async () => {
      const request = injectRun(httpRequest(target.url), { trustKey })
      request.end()
      const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
      response.resume()
    })
    expect(target.arrived[0]).toMatchObject({
      tracestate: [`runspan=${runId.slice(16)}`],
      'runspan-trust': [expect.any(String)],
    })
  })
})

async function ask(request: ClientRequest): Promise<void> {
  request.end()
  const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream]
  response.resume()
  await once(response, 'end')
}

describe('node:http beside the official instrumentation', () => {
  // One for all: it patches the module once.
  const instrumentation = new HttpInstrumentation({ enabled: false })
  /** Node's own module, which is patched where it is required after the instrumentation has been enabled. */
  let http: { readonly request: typeof httpRequest }
  beforeAll(() => {
    instrumentation.enable()
    http = createRequire(import.meta.url)('node:http') as typeof http
  })
  afterAll(() => instrumentation.disable())

  it.each([
    ['by itself', (request: ClientRequest) => request],
    ['and injectRun', (request: ClientRequest) => injectRun(request, { trustKey })],
  ])('%s sends one context, its client span’s', async (how, prepared) => {
    await using spans = recordSpans()
    instrumentation.setTracerProvider(spans.provider)
    await wrapAgent('planner', () => ask(prepared(http.request(target.url))))
    const clients = spans.all.filter((span) => span.kind === SpanKind.CLIENT)
    expect(clients).toHaveLength(1)
    const { traceId, spanId } = clients[0]!.spanContext()
    expect(target.arrived).toEqual([
      {
        traceparent: [`00-${traceId}-${spanId}-01`],
        tracestate: [`runspan=${traceId.slice(16)}`],
        ...(how === 'by itself' ? {} : { 'runspan-trust': [expect.any(String)] }),
      },
    ])
  })

  it('replaces what a proxy has copied from the request that it answers', async () => {
    await using _ = recordSpans()
    const { runId, result: headers } = await wrapAgent('planner', () => propagationHeaders())
    await joinRun(extractRun(headers), () => ask(injectRun(httpRequest(target.url, { headers }))))
    const [came] = target.arrived.map(({ traceparent }) => traceparent![0]!)
    expect(came).toContain(runId)
    expect(came).not.toBe(headers['traceparent'])
  })
})

describe('model providers', () => {
  const urls = [
    'https://api.openai.com/v1/responses',
    'https://api.anthropic.com/v1/messages',
    'https://generativelanguage.googleapis.com/v1beta/models',
    'https://us-central1-aiplatform.googleapis.com/v1',
    'https://bedrock-runtime.us-east-1.amazonaws.com/model',
    'https://acme.openai.azure.com/openai',
    'https://openrouter.ai/api/v1',
    'https://api.mistral.ai/v1',
  ].map((text) => new URL(text))

  it('get nothing, however wide the pattern or function', () => {
    for (const to of [[/./], () => true]) {
      const isNamed = hostMatcher(to, 'test')
      expect(urls.filter((url) => isNamed(url))).toEqual([])
      // The controls: what is no provider, and what only sounds like one.
      expect(isNamed(new URL('http://search.internal/'))).toBe(true)
      expect(isNamed(new URL('https://api.openai.com.example.org/'))).toBe(true)
    }
  })

  it('get what is sent to them by name', () => {
    expect(hostMatcher(['api.openai.com'], 'test')(urls[0]!)).toBe(true)
  })
})

const trustKey = { id: 'mesh', secret: 'x'.repeat(32) }

async function startTarget(): Promise<Target & AsyncDisposable> {
  const arrived: Arrived[] = []
  const server = createServer((request, response) => {
    const own: Record<string, string[]> = {}
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      const name = request.rawHeaders[at]!.toLowerCase()
      if (names.includes(name)) (own[name] ??= []).push(request.rawHeaders[at + 1]!)
    }
    arrived.push(own)
    if (request.url === '/away') response.writeHead(302, { location: `${otherUrl}/` }).end()
    else response.end('there')
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  const otherUrl = `http://127.0.0.1:${port}`
  return {
    url: `http://localhost:${port}`,
    otherUrl,
    arrived,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
