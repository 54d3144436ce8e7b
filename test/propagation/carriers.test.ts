import { spawn } from 'node:child_process'
import { ClientRequest, createServer, IncomingMessage, ServerResponse, request } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { describe, expect, it } from 'vitest'

import {
  extractRun,
  injectRun,
  newRunId,
  propagationAttributes,
  propagationHeaders,
  withRunEnv,
  wrapAgent,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { NatsHeaders } from './nats-headers.ts'
import { startOtlpSink } from '../support/otlp-sink.ts'
import { recordSpans } from '../support/record-spans.ts'
import { runProcess } from '../support/spawn-process.ts'

const runId = newRunId()
const traceparent = `00-${runId}-00f067aa0ba902b7-01`
const tracestate = `runspan=${runId.slice(16)}`
const bytes = (text: string): Buffer => Buffer.from(text)

/** Every carrier that a run comes in on, with the shape in which its library hands it out. */
const incoming: Readonly<Record<string, object>> = {
  'a record': { traceparent, tracestate },
  'a record in upper case': { TRACEPARENT: traceparent, TraceState: tracestate },
  'a record of lists': { traceparent: [traceparent], tracestate: ['vendor=1', tracestate] },
  'a record without prototype': Object.assign(Object.create(null) as object, { traceparent, tracestate }),
  'fetch Headers': new Headers({ traceparent, tracestate }),
  'a fetch Request': new Request('http://localhost', { headers: { traceparent, tracestate } }),
  'a Map': new Map([
    ['Traceparent', traceparent],
    ['tracestate', tracestate],
  ]),
  tuples: [
    ['traceparent', traceparent],
    ['tracestate', 'vendor=1'],
    ['tracestate', tracestate],
  ],
  'a kafkajs message': {
    key: null,
    value: bytes('x'),
    headers: { traceparent: bytes(traceparent), tracestate: bytes(tracestate) },
  },
  'headers of node-rdkafka': [{ traceparent: bytes(traceparent) }, { tracestate: bytes(tracestate) }],
  'headers of amqplib': { 'x-death': [{ count: 1 }], traceparent, tracestate: bytes(tracestate) },
  'headers of NATS': new NatsHeaders([
    ['Traceparent', traceparent],
    ['tracestate', tracestate],
  ]),
  'attributes of SQS': attributes('StringValue'),
  'attributes of an SQS event in Lambda': attributes('stringValue'),
  'attributes of SNS in a message body': attributes('Value'),
  'job data of BullMQ or pg-boss': { rows: 'rows.csv', traceparent, tracestate },
  'params._meta of MCP': { progressToken: 7, traceparent, tracestate },
  environment: { PATH: '/bin', TRACEPARENT: traceparent, TRACESTATE: tracestate },
}

function attributes(field: string): object {
  return {
    traceparent: { DataType: 'String', [field]: traceparent },
    tracestate: { DataType: 'String', [field]: tracestate },
  }
}

describe('extractRun', () => {
  it.each(Object.entries(incoming))('reads a run from %s', (_name, carrier) => {
    expect(extractRun(carrier)).toMatchObject({ runId, traceparent })
  })

  it('reads a run from a request of node:http, before and after it was sent', async () => {
    await using server = await echoServer()
    const outgoing = request(server.url)
    outgoing.setHeader('Traceparent', traceparent)
    outgoing.setHeader('tracestate', ['vendor=1', tracestate])
    expect(outgoing).toBeInstanceOf(ClientRequest)
    expect(extractRun(outgoing)?.runId).toBe(runId)
    outgoing.end()
    const incomingMessage = await server.received()
    expect(incomingMessage).toBeInstanceOf(IncomingMessage)
    expect(extractRun(incomingMessage)).toEqual({ runId, traceparent, tracestate: `vendor=1, ${tracestate}` })
  })

  it('finds nothing in nothing, and in what carries no run', () => {
    const nothing = [
      undefined,
      null,
      {},
      [],
      new Map(),
      new Headers(),
      { traceparent },
      [[]],
      [null, 7, 'x'],
      { headers: 7 },
    ]
    for (const carrier of nothing) expect(extractRun(carrier)).toBeUndefined()
    expect(extractRun('traceparent' as never)).toBeUndefined()
  })

  it('counts a carrier that throws when it is read', () => {
    const counts = countsFromNow()
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('hostile')
        },
      },
    )
    expect(extractRun(hostile)).toBeUndefined()
    expect(counts()).toEqual({ carriersMalformed: 1 })
  })
})

describe('injectRun', () => {
  it('writes the run onto every kind of carrier, as propagationHeaders says it', async () => {
    await using server = await echoServer()
    const outgoing = request(server.url)
    await using _ = recordSpans()
    await wrapAgent('planner', () => {
      const headers = propagationHeaders()
      const expected = { runId: headers['traceparent']!.slice(3, 35), ...headers }
      const written = [{}, new Headers(), new Map(), [], new NatsHeaders([]), outgoing, Object.create(null)] as object[]
      for (const carrier of written) {
        expect(injectRun(carrier)).toBe(carrier)
        expect(extractRun(carrier)).toEqual(expected)
      }
      expect(written[0]).toEqual(headers)
      expect(written[3]).toEqual(Object.entries(headers))
    })
    outgoing.end()
    expect(extractRun(await server.received())?.tracestate).toMatch(/^runspan=/)
  })

  it('replaces what a forwarded message says of another run, in whatever case, and leaves everything else', async () => {
    await using _ = recordSpans()
    const stale = {
      'x-tenant': 'acme',
      baggage: 'a=1; b , c=%20',
      TraceParent: traceparent,
      TRACESTATE: `vendor=1,${tracestate}`,
    }
    const carriers = [
      { ...stale },
      new Map(Object.entries(stale)),
      Object.entries(stale),
      new NatsHeaders(Object.entries(stale)),
      new Headers(stale),
    ]
    await wrapAgent('planner', (run) => {
      for (const carrier of carriers) {
        injectRun(carrier)
        expect(extractRun(carrier)?.runId).toBe(run.runId)
        const entries = entriesOf(carrier)
        expect(entries.map(([name]) => name.toLowerCase()).toSorted()).toEqual([
          'baggage',
          'traceparent',
          'tracestate',
          'x-tenant',
        ])
        expect(entries.find(([name]) => name === 'baggage')?.[1].toString()).toBe('a=1; b , c=%20')
        // Another trace's list says nothing about this one.
        expect(JSON.stringify(entries)).not.toContain('vendor')
      }
    })
  })

  it('keeps what others wrote for the same trace, byte for byte, behind the run', async () => {
    await using _ = recordSpans()
    await wrapAgent('planner', (run) => {
      const carrier = {
        traceparent: `00-${run.runId}-00f067aa0ba902b7-01`,
        tracestate: 'dd=s:1;t.dm:-4 x,runspan=0, ot=th:c',
      }
      injectRun(carrier)
      expect(carrier.tracestate).toBe(`runspan=${run.runId.slice(16)},dd=s:1;t.dm:-4 x,ot=th:c`)
    })
  })

  it('takes a stale run off outside of one, and leaves the rest as it was written', () => {
    const forwarded = { traceparent, tracestate: `dd=s:1 , ${tracestate},ot=th:c ` }
    expect(injectRun(forwarded)).toEqual({ traceparent, tracestate: 'dd=s:1 ,ot=th:c ' })
    expect(injectRun({ traceparent, tracestate })).toEqual({ traceparent })
    expect(injectRun(new Headers({ traceparent, tracestate })).has('tracestate')).toBe(false)
    expect(injectRun({ traceparent, tracestate: 'dd=s:1' })).toEqual({ traceparent, tracestate: 'dd=s:1' })
    expect(injectRun({ 'x-tenant': 'acme' })).toEqual({ 'x-tenant': 'acme' })
  })

  it('keeps the list within 512 characters and 32 members: long members go first, then the oldest', async () => {
    await using _ = recordSpans()
    await wrapAgent('planner', (run) => {
      const prefix = { traceparent: `00-${run.runId}-00f067aa0ba902b7-01` }
      const long = injectRun({
        ...prefix,
        tracestate: `a=${'x'.repeat(240)},b=${'y'.repeat(100)},c=${'z'.repeat(150)}`,
      })
      expect(long.tracestate).toBe(`runspan=${run.runId.slice(16)},a=${'x'.repeat(240)},b=${'y'.repeat(100)}`)
      const many = injectRun({ ...prefix, tracestate: Array.from({ length: 32 }, (_item, at) => `k${at}=1`).join(',') })
      expect(many.tracestate.split(',')).toHaveLength(32)
      expect(many.tracestate).toMatch(/,k30=1$/)
    })
  })

  it('counts a carrier that cannot be written, and throws nothing', async () => {
    await using _ = recordSpans()
    await using server = await echoServer()
    const counts = countsFromNow()
    await wrapAgent('planner', async () => {
      expect(injectRun(Object.freeze({}))).toEqual({})
      const outgoing = request(server.url)
      outgoing.end()
      await server.received()
      injectRun(outgoing)
    })
    expect(counts()).toMatchObject({ carriersNotWritten: 2 })
  })
})

describe('propagationAttributes', () => {
  it('is what SQS takes, two attributes of ten, and comes back; {} outside a run', async () => {
    await using _ = recordSpans()
    expect(propagationAttributes()).toEqual({})
    const { result, runId: own } = await wrapAgent('planner', () => propagationAttributes())
    expect(result).toEqual({
      traceparent: { DataType: 'String', StringValue: expect.stringContaining(own) },
      tracestate: { DataType: 'String', StringValue: `runspan=${own.slice(16)}` },
    })
    expect(extractRun(result)?.runId).toBe(own)
  })
})

describe('withRunEnv', () => {
  it('T27 takes a run into a real child process and a real thread, which inherit none by themselves', async () => {
    await using sink = await startOtlpSink()
    const { runId: own, ...joined } = await runProcess<{ runId: string }>('env-host', { sink: sink.url })
    expect(joined).toEqual({ child: own, thread: own, untold: null })
    expect(sink.tree(own).split('\n')).toEqual(['invoke_agent planner', '  in a child process', '  in a thread'])
  })

  it('adds the two variables to the environment that the child would have had', async () => {
    await using _ = recordSpans()
    await wrapAgent('planner', (run) => {
      const options = withRunEnv({ cwd: '/tmp' })
      expect(options.cwd).toBe('/tmp')
      expect(options.env).toMatchObject({ PATH: process.env['PATH'], TRACESTATE: `runspan=${run.runId.slice(16)}` })
      expect(extractRun(options.env)?.runId).toBe(run.runId)
      const own = withRunEnv({ env: { A: '1', BAGGAGE: 'a=1', traceparent, TRACESTATE: tracestate } })
      expect(Object.keys(own.env)).toEqual(['A', 'BAGGAGE', 'TRACEPARENT', 'TRACESTATE'])
      expect(extractRun(own.env)?.runId).toBe(run.runId)
    })
  })

  it('takes the run that this process was started with off, outside of a run', () => {
    expect(withRunEnv({ env: { A: '1', TRACEPARENT: traceparent, TRACESTATE: tracestate } }).env).toEqual({
      A: '1',
      TRACEPARENT: traceparent,
    })
  })

  it('keeps the types of spawn’s options, literals among them', () => {
    const child = spawn(
      process.execPath,
      ['-e', ''],
      withRunEnv({ stdio: ['ignore', 'inherit', 'inherit'], shell: false }),
    )
    expect(child.pid).toBeTypeOf('number')
  })

  it('leaves a shared environment alone, and counts that', async () => {
    const { SHARE_ENV } = await import('node:worker_threads')
    const counts = countsFromNow()
    expect(withRunEnv({ env: SHARE_ENV })).toEqual({ env: SHARE_ENV })
    expect(counts()).toEqual({ carriersNotWritten: 1 })
  })
})

function entriesOf(carrier: object): [string, { toString(): string }][] {
  return Symbol.iterator in carrier ? [...(carrier as Iterable<[string, string]>)] : Object.entries(carrier)
}

interface EchoServer extends AsyncDisposable {
  readonly url: string
  received(): Promise<IncomingMessage>
}

/** A real server that answers at once and shows the request it got. */
async function echoServer(): Promise<EchoServer> {
  const server = createServer((_request, response) => {
    expect(response).toBeInstanceOf(ServerResponse)
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const received = once(server, 'request').then(([message]) => message as IncomingMessage)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
