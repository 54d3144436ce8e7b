import { once } from 'node:events'
import { PassThrough, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'

import { currentRunId, tool, wrapAgent } from '../../../src/index.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { Whereabouts, endOf, hosts, millisOf } from '../../support/hosts.ts'
import { recordSpans } from '../../support/record-spans.ts'
import { spawnProcess } from '../../support/spawn-process.ts'

/** A stream of a few chunks, each made by and by. */
class Chunks extends Readable {
  readonly #where: Whereabouts
  readonly #pauseMillis: number
  #left: number

  constructor(where: Whereabouts, chunks: number, pauseMillis = 0) {
    super({ highWaterMark: 1, objectMode: true })
    this.#where = where
    this.#left = chunks
    this.#pauseMillis = pauseMillis
  }

  override _read(): void {
    this.#where.step()
    const chunk = this.#left-- > 0 ? { left: this.#left } : null
    if (this.#pauseMillis === 0) this.push(chunk)
    else {
      setTimeout(() => {
        this.#where.step()
        this.push(chunk)
      }, this.#pauseMillis)
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#where.step()
    callback(error)
  }
}

async function chunksOf<T = unknown>(stream: Readable, look?: () => void): Promise<readonly T[]> {
  const chunks: T[] = []
  for await (const chunk of stream) {
    chunks.push(chunk as T)
    look?.()
  }
  return chunks
}

describe.each(hosts)('$name of a Node stream', (host) => {
  it('lasts until the stream has been read, each read inside, and it is the same object', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const stream = new Chunks(where, 2, 20)
    const hosted = await host.start(spans, () => stream)
    expect(hosted.result).toBe(stream)
    const chunks = await chunksOf(stream, where.outside)
    expect(chunks).toHaveLength(2)
    expect(endOf(hosted.span())).toBe('completed')
    expect(millisOf(hosted.span())).toBeGreaterThan(55)
    // Three reads, each in two parts, and the destroy that follows the end.
    where.expectSteps(7, hosted)
    hosted.close()
  })

  it('emits its events in the context of whoever reads it', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => new Chunks(where, 3, 1))
    const seen: string[] = []
    for (const event of ['data', 'end', 'close', 'pause', 'resume']) {
      hosted.result.on(event, () => {
        seen.push(event)
        where.outside()
      })
    }
    await once(hosted.result, 'close')
    expect(seen).toEqual(['resume', 'data', 'data', 'data', 'end', 'close'])
    expect(endOf(hosted.span())).toBe('completed')
    hosted.close()
  })

  it('emits events in the reader’s context where it fails or is destroyed, too', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const thrown = new RangeError('connection lost')
    const hosted = await host.start(
      spans,
      () =>
        new Readable({
          read() {
            where.step()
            setImmediate(() => this.destroy(thrown))
          },
        }),
    )
    const errors: unknown[] = []
    hosted.result.on('error', (error) => {
      where.outside()
      errors.push(error)
    })
    hosted.result.on('close', where.outside)
    hosted.result.resume()
    await new Promise((resolve) => hosted.result.on('close', resolve))
    expect(errors).toEqual([thrown])
    expect(errors[0]).toBe(thrown)
    expect(endOf(hosted.span())).toBe('failed: RangeError')
    where.expectSteps(1, hosted)
    hosted.close()
  })

  it('ends with a reason where it is destroyed', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => new Chunks(where, 10))
    for await (const chunk of hosted.result) {
      void chunk
      where.outside()
      break
    }
    expect(hosted.result.destroyed).toBe(true)
    await delay(0)
    expect(endOf(hosted.span())).toMatch(/^cancelled: /)
    hosted.close()
  })

  it('is cancelled by an abort', async () => {
    await using spans = recordSpans()
    const aborting = new AbortController()
    const hosted = await host.start(spans, () => Readable.from(endless(), { signal: aborting.signal }))
    hosted.result.on('error', () => {})
    aborting.abort()
    await once(hosted.result, 'close').catch(() => {})
    expect(endOf(hosted.span())).toMatch(/^cancelled: /)
    hosted.close()
  })

  it.each([
    ['has ended', async (stream: Readable) => void (await chunksOf(stream)), 'completed'],
    ['was destroyed', async (stream: Readable) => void (await once(stream.destroy(), 'close')), 'cancelled: cancelled'],
    [
      'has failed',
      async (stream: Readable) => {
        stream.on('error', () => {})
        stream.destroy(new RangeError('no'))
        await new Promise((resolve) => stream.on('close', resolve))
      },
      'failed: RangeError',
    ],
  ])('ends at once with one that %s', async (_what, before, expected) => {
    await using spans = recordSpans()
    const stream = new Chunks(new Whereabouts(), 1)
    await before(stream)
    const hosted = await host.start(spans, () => stream)
    expect(endOf(hosted.span())).toBe(expected)
    hosted.close()
  })

  it('may be piped, transformed and made of a generator', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const hosted = await host.start(spans, () => Readable.from(lines(where)))
    let text = ''
    const upper = new Transform({
      objectMode: true,
      transform(chunk: string, _encoding, done) {
        where.outside()
        done(null, chunk.toUpperCase())
      },
    })
    upper.on('data', (chunk: string) => (text += chunk))
    await pipeline(hosted.result, upper)
    expect(text).toBe('AB')
    expect(endOf(hosted.span())).toBe('completed')
    where.expectSteps(2, hosted)
    hosted.close()
  })

  it('is abandoned where nobody reads it', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const hosted = await host.start(spans, () => {
      const through = new PassThrough()
      through.write('waiting')
      return through
    })
    clock.advance(300_000)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.result.destroy()
    hosted.close()
  })

  it('is not abandoned while its reader waits for a slow chunk', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    let push!: (chunk: string | null) => void
    const hosted = await host.start(
      spans,
      () =>
        new Readable({
          read() {
            push = (chunk) => this.push(chunk)
          },
        }),
    )
    const seen: string[] = []
    hosted.result.on('data', (chunk: Buffer) => seen.push(chunk.toString()))
    await delay(1)
    clock.advance(3_600_000)
    expect(endOf(hosted.span())).toBe('open')
    push('late')
    expect(seen).toEqual(['late'])
    hosted.result.pause()
    push('unread')
    clock.advance(299_999)
    expect(endOf(hosted.span())).toBe('open')
    clock.advance(1)
    expect(endOf(hosted.span())).toBe('abandoned: stream_idle')
    hosted.result.destroy()
    hosted.close()
  })

  it('leaves no timer behind, however it ends', async () => {
    using clock = useFakeClock()
    await using spans = recordSpans()
    const whole = await host.start(spans, () => new Chunks(new Whereabouts(), 2))
    await chunksOf(whole.result)
    whole.close()
    const part = await host.start(spans, () => new Chunks(new Whereabouts(), 2))
    await once(part.result.destroy(), 'close')
    part.close()
    expect(clock.timers).toBeLessThanOrEqual(1)
  })
})

async function* lines(where: Whereabouts): AsyncGenerator<string> {
  where.step()
  yield 'a'
  await delay(1)
  where.step()
  yield 'b'
}

async function* endless(): AsyncGenerator<number> {
  for (let item = 0; ; item++) {
    await delay(1)
    yield item
  }
}

describe('a stream in a stream', () => {
  it('of a tool inside an agent ends both, and neither leaks', async () => {
    await using spans = recordSpans()
    const where = new Whereabouts()
    const read = tool('read', () => new Chunks(where, 3, 1))
    const { result, runId } = await wrapAgent('planner', async () => {
      const stream = read()
      // Asked for by the agent first, and then by whoever the agent hands it to.
      await once(stream, 'readable')
      return stream
    })
    const chunks = await new Promise<readonly unknown[]>((resolve) => {
      const seen: unknown[] = []
      const outside: (string | undefined)[] = []
      result.on('data', (chunk) => {
        outside.push(currentRunId())
        seen.push(chunk)
      })
      result.on('close', () => resolve([seen.length, ...outside]))
    })
    expect(chunks).toEqual([3, undefined, undefined, undefined])
    expect(spans.of(runId).map((span) => [span.name, endOf(span)])).toEqual([
      ['invoke_agent planner', 'completed'],
      ['execute_tool read', 'completed'],
    ])
  })
})

describe('a stream error that nobody handles', () => {
  it.each(['stream from wrapAgent', 'stream from withSpan', 'control: a stream of nobody'])(
    'crashes the process, as it does without us: %s',
    async (kind) => {
      await using child = spawnProcess('unhandled', { kind })
      const { code, stderr } = await child.ended
      expect(code).toBe(1)
      expect(stderr).toContain('RangeError: nobody looks')
      expect(stderr).toContain("Emitted 'error' event")
    },
  )

  it('does not, where somebody listens', async () => {
    await using child = spawnProcess('unhandled', { kind: 'stream with a listener' })
    const { code, stderr } = await child.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
