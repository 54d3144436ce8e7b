import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { runIdOf, stats, tool, withSpan, wrapAgent } from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'

class RateLimitError extends Error {}

class QuotaError extends Error {
  override readonly name = 'QuotaError'
}

function hostile(): never {
  throw new Error('hands off')
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function everythingThrows(): object {
  const traps = { get: hostile, has: hostile, ownKeys: hostile, getPrototypeOf: hostile }
  return new Proxy({}, { ...traps, getOwnPropertyDescriptor: hostile, set: hostile, defineProperty: hostile })
}

function circular(): object {
  const knot: { readonly kind: string; self?: object } = { kind: 'knot' }
  knot.self = knot
  return knot
}

function functionWithoutText(): unknown {
  return Object.assign(() => {}, { toString: hostile })
}

function messageThrows(): unknown {
  return Object.defineProperty(new RangeError(), 'message', { get: hostile })
}

function gettersThrow(): unknown {
  return Object.defineProperties({}, { name: { get: hostile }, message: { get: hostile }, code: { get: hostile } })
}

/** A thrown value and what is to be known of it afterwards. */
interface Row {
  readonly what: string
  /** Made anew for each run: the innermost run that an object came out of is remembered. */
  readonly make: () => unknown
  readonly status?: 'failed' | 'timeout' | 'cancelled'
  readonly type?: string
  readonly message?: string | RegExp
  readonly statusCode?: number
}

const rows: readonly Row[] = [
  { what: 'an Error', make: () => new Error('no'), type: 'Error', message: 'no' },
  { what: 'an Error without a message', make: () => new Error(''), type: 'Error', message: '' },
  {
    what: 'a class of errors',
    make: () => new RateLimitError('slow down'),
    type: 'RateLimitError',
    message: 'slow down',
  },
  { what: 'an error with a name', make: () => new QuotaError('spent'), type: 'QuotaError', message: 'spent' },
  {
    what: 'an Error with a code',
    make: () => Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
    type: 'ECONNRESET',
    message: 'reset',
  },
  {
    what: 'an Error with a statusCode',
    make: () => Object.assign(new Error('busy'), { statusCode: 429 }),
    type: 'Error',
    message: 'busy',
    statusCode: 429,
  },
  {
    what: 'an Error with a status',
    make: () => Object.assign(new Error('down'), { status: 503 }),
    type: 'Error',
    message: 'down',
    statusCode: 503,
  },
  {
    what: 'an AggregateError',
    make: () => new AggregateError([new Error('a'), new Error('b')], 'both'),
    type: 'AggregateError',
    message: 'both',
  },
  { what: 'a frozen error', make: () => Object.freeze(new TypeError('ice')), type: 'TypeError', message: 'ice' },
  { what: 'an error whose message throws', make: messageThrows, type: 'RangeError', message: /./ },
  {
    what: 'an error with a very long name and message',
    make: () => Object.assign(new Error('m'.repeat(100_000)), { name: 'N'.repeat(100_000) }),
    type: `${'N'.repeat(256)}…`,
    message: `${'m'.repeat(8192)}…`,
  },
  { what: 'an AbortError', make: () => new DOMException('stop', 'AbortError'), status: 'cancelled', message: 'stop' },
  {
    what: 'an AbortError of somebody’s own',
    make: () => Object.assign(new Error('stopped'), { name: 'AbortError' }),
    status: 'cancelled',
    message: 'stopped',
  },
  {
    what: 'a TimeoutError',
    make: () => new DOMException('too slow', 'TimeoutError'),
    status: 'timeout',
    type: 'timeout',
    message: 'too slow',
  },
  { what: 'a string', make: () => 'plain words', type: 'string', message: 'plain words' },
  { what: 'an empty string', make: () => '', type: 'string', message: '' },
  { what: 'a number', make: () => 42, type: 'number', message: '42' },
  { what: 'NaN', make: () => Number.NaN, type: 'number', message: 'NaN' },
  { what: 'minus zero', make: () => -0, type: 'number', message: '0' },
  { what: 'a bigint', make: () => 10n, type: 'bigint', message: '10n' },
  { what: 'a boolean', make: () => false, type: 'boolean', message: 'false' },
  { what: 'a symbol', make: () => Symbol('oops'), type: 'symbol', message: 'Symbol(oops)' },
  { what: 'null', make: () => null, type: 'null', message: 'null' },
  { what: 'undefined', make: () => undefined, type: 'undefined', message: 'undefined' },
  { what: 'a plain object', make: () => ({ rows: 0 }), type: 'Object', message: '{"rows":0}' },
  {
    what: 'a plain object with a code and a message',
    make: () => ({ code: 'E_ROWS', message: 'no rows' }),
    type: 'Object',
    message: 'no rows',
  },
  { what: 'an object without a prototype', make: () => Object.create(null), type: 'object', message: '{}' },
  { what: 'an array', make: () => [1, 2], type: 'Array', message: '[1,2]' },
  { what: 'a map', make: () => new Map([['a', 1]]), type: 'Map', message: '[["a",1]]' },
  { what: 'a circular object', make: circular, type: 'Object', message: /knot.*circular/ },
  { what: 'an object whose getters throw', make: gettersThrow, type: 'Object', message: /./ },
  { what: 'a proxy that throws on everything', make: everythingThrows, type: 'object', message: /unreadable/ },
  { what: 'a revoked proxy', make: () => revoked({}), type: 'object', message: /unreadable/ },
  { what: 'a function', make: () => () => 'some code', type: 'function', message: /some code/ },
  { what: 'a function whose toString throws', make: functionWithoutText, type: 'function', message: '[unreadable]' },
  { what: 'a revoked proxy of a function', make: () => revoked(() => {}), type: 'function', message: /./ },
]

/** Every way in which a function can come to fail, and how its caller finds out. */
const shapes: readonly {
  readonly shape: string
  readonly fn: (thrown: unknown) => unknown
  readonly use: (result: unknown) => Promise<unknown>
}[] = [
  {
    shape: 'synchronously (P3)',
    fn: (thrown) => {
      throw thrown
    },
    use: (result) => Promise.resolve(result),
  },
  { shape: 'as a rejection (P2)', fn: (thrown) => Promise.reject(thrown), use: (result) => Promise.resolve(result) },
  {
    shape: 'after an await',
    fn: async (thrown) => {
      await Promise.resolve()
      throw thrown
    },
    use: (result) => Promise.resolve(result),
  },
  {
    shape: 'in a generator',
    fn: function* failing(thrown) {
      yield 1
      throw thrown
    },
    use: async (result) => [...(result as Iterable<unknown>)],
  },
  {
    shape: 'in an async generator',
    fn: async function* failing(thrown) {
      yield 1
      throw thrown
    },
    use: async (result) => {
      for await (const item of result as AsyncIterable<unknown>) void item
    },
  },
  {
    shape: 'in a stream',
    fn: (thrown) =>
      new ReadableStream(
        {
          pull: () => {
            throw thrown
          },
        },
        { highWaterMark: 0 },
      ),
    use: (result) => (result as ReadableStream).getReader().read(),
  },
  {
    shape: 'in a lazy thenable',
    fn: (thrown) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the test is about those
      then: (_resolve: unknown, reject: (error: unknown) => void) => reject(thrown),
    }),
    use: (result) => Promise.resolve(result),
  },
]

/** What was thrown, also where that is `undefined`. */
async function caught(attempt: () => Promise<unknown>): Promise<{ readonly thrown: unknown } | undefined> {
  try {
    await attempt()
    return undefined
  } catch (thrown) {
    return { thrown }
  }
}

function expectFailure(span: ReadableSpan, { status = 'failed', type, message, statusCode }: Row): void {
  const { attributes, events } = span
  if (status === 'cancelled') {
    expect(span.status).toEqual({ code: 0 })
    expect(attributes).not.toHaveProperty(['error.type'])
    expect(events).toEqual([])
    return
  }
  expect(span.status.code).toBe(2)
  const pattern: unknown = typeof message === 'string' ? message : expect.stringMatching(message!)
  expect(span.status.message).toEqual(pattern)
  expect(attributes['error.type']).toBe(type)
  expect(attributes['http.response.status_code']).toBe(statusCode)
  expect(events.map((event) => event.name)).toEqual(['exception'])
  expect(events[0]!.attributes).toMatchObject({ 'exception.message': pattern })
}

describe.each(shapes)('a run that fails $shape', ({ fn, use }) => {
  const named = rows.map((row) => [row.what, row] as const)
  it.each(named)('with %s is exported with its reason, and the very same value is thrown', async (_what, row) => {
    await using spans = recordSpans()
    const before = stats()
    const thrown = row.make()
    const failing = tool('fail', () => fn(thrown))
    const found = await caught(async () => use((await wrapAgent('planner', failing)).result))
    expect(found).toBeDefined()
    expect(Object.is(found!.thrown, thrown)).toBe(true)

    const root = spans.span('invoke_agent planner')
    expect(root.attributes['runspan.run.status']).toBe(row.status ?? 'failed')
    expectFailure(root, row)
    const isCancelled = row.status === 'cancelled'
    if (isCancelled) expect(root.attributes['runspan.run.status_reason']).toBe(row.message)
    expect(root.attributes['runspan.errors']).toBe(isCancelled ? undefined : 1)
    expect(root.attributes['runspan.rollup.complete']).toBe(true)

    const inner = spans.span('execute_tool fail')
    expectFailure(inner, row)
    expect(inner.attributes['runspan.end_reason']).toBe(isCancelled ? 'cancelled' : undefined)

    const canBeKey = (typeof thrown === 'object' && thrown !== null) || typeof thrown === 'function'
    expect(runIdOf(found!.thrown)).toBe(canBeKey ? root.spanContext().traceId : undefined)
    const after = stats()
    expect(after.internalErrors).toBe(before.internalErrors)
    expect(after.runsEnded - before.runsEnded).toBe(1)
  })
})

describe('the reason of a signal', () => {
  it.each(['just because', undefined, 7, { why: 'budget' }, Symbol('off')])(
    'that is thrown means cancelled, whatever it is: %s',
    async (reason) => {
      await using spans = recordSpans()
      const aborting = new AbortController()
      const failing = tool('fail', () => {
        aborting.abort(reason)
        throw aborting.signal.reason
      })
      const found = await caught(() => wrapAgent('planner', failing, { signal: aborting.signal }))
      expect(Object.is(found?.thrown, aborting.signal.reason)).toBe(true)
      const root = spans.span('invoke_agent planner')
      expect(root.attributes['runspan.run.status']).toBe('cancelled')
      expect(root.status.code).toBe(0)
      const inner = spans.span('execute_tool fail')
      expect(inner.status.code).toBe(0)
      expect(inner.attributes['runspan.end_reason']).toBe('cancelled')
    },
  )

  it('that has run out of time means timeout, also where a client makes an AbortError of it', async () => {
    await using spans = recordSpans()
    const deadline = new AbortController()
    deadline.abort(new DOMException('5 s', 'TimeoutError'))
    const failing = tool('fail', () => {
      throw new DOMException('the request was aborted', 'AbortError')
    })
    await caught(() => wrapAgent('planner', failing, { signal: deadline.signal }))
    expect(spans.attributes('invoke_agent planner')['runspan.run.status']).toBe('timeout')
    expect(spans.attributes('execute_tool fail')['error.type']).toBe('timeout')
  })

  it('that was not given means nothing: a failure with the same text is a failure', async () => {
    await using spans = recordSpans()
    const aborting = new AbortController()
    aborting.abort('just because')
    await caught(() =>
      wrapAgent(
        'planner',
        () => {
          throw new Error('just because')
        },
        { signal: aborting.signal },
      ),
    )
    expect(spans.attributes('invoke_agent planner')['runspan.run.status']).toBe('failed')
  })
})

describe('a span that throws whatever is written to it', () => {
  it('ends all the same: values, failures and reasons pass, and each is counted', async () => {
    const ended: string[] = []
    const breakEnd: SpanProcessor = {
      onStart: (span) => {
        if (span.name !== 'broken') return
        Object.assign(span, { setAttribute: hostile, setStatus: hostile, addEvent: hostile })
      },
      onEnd: (span) => void ended.push(span.name),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    }
    await using spans = recordSpans({ processors: [breakEnd] })
    const before = stats().internalErrors
    const thrown = new Error('no')
    const returned = await wrapAgent('planner', async () => {
      const found = await caught(async () =>
        withSpan('broken', () => {
          throw thrown
        }),
      )
      const [first] = withSpan('broken', function* numbers() {
        yield 1
      })
      return [Object.is(found?.thrown, thrown), first]
    })
    expect(returned.result).toEqual([true, 1])
    expect(ended).toEqual(['broken', 'broken', 'invoke_agent planner'])
    expect(stats().internalErrors - before).toBe(2)
    expect(spans.root(returned.runId).attributes['runspan.run.status']).toBe('completed')
  })
})

describe('runIdOf', () => {
  it('is the innermost run that an error came out of', async () => {
    await using spans = recordSpans()
    const thrown = new Error('deep')
    let innermost = ''
    const found = await caught(() =>
      wrapAgent('outer', () =>
        wrapAgent('inner', (run) => {
          innermost = run.runId
          throw thrown
        }),
      ),
    )
    expect(found?.thrown).toBe(thrown)
    expect(runIdOf(thrown)).toBe(innermost)
    expect(spans.root(innermost).name).toBe('invoke_agent inner')
  })

  it('is unknown for errors of no run, and for what is no error', () => {
    expect([new Error('no run'), undefined, null, 'text', 7].map(runIdOf)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})
