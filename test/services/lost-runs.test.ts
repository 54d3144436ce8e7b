import { readFileSync, readdirSync, utimesSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import type { LosingScript, OpenedRuns } from '../fixtures/losing-app.ts'
import { startOtlpSink, type OtlpSink, type ReceivedSpan } from '../support/otlp-sink.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'

/** A collector, a spool, and processes of one service. */
class Service implements AsyncDisposable {
  readonly sink: OtlpSink
  readonly directory: string
  readonly #options: object

  constructor(sink: OtlpSink, directory: string, options: object) {
    this.sink = sink
    this.directory = directory
    this.#options = options
  }

  start(role: LosingScript['role']): FixtureProcess {
    const delivery = { url: `${this.sink.url}/v1/traces`, spool: { directory: this.directory }, ...this.#options }
    return spawnProcess('losing-app', { delivery, role } satisfies LosingScript)
  }

  /** Each time that a root has come. */
  rootsOf(runId: string): readonly ReceivedSpan[] {
    return this.sink.of(runId).filter(({ spanId }) => spanId === runId.slice(16))
  }

  get files(): readonly string[] {
    return readdirSync(this.directory)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sink[Symbol.asyncDispose]()
    await rm(this.directory, { recursive: true })
  }
}

async function startService(options: object = {}): Promise<Service> {
  return new Service(await startOtlpSink(), await mkdtemp(join(tmpdir(), 'runspan-lost-')), options)
}

/** Kills a process in the middle of what it does: kill -9. */
async function killed(app: FixtureProcess): Promise<void> {
  await app[Symbol.asyncDispose]()
  expect(await app.ended).toMatchObject({ signal: 'SIGKILL' })
}

describe('the open runs of a process that is killed', () => {
  it.each(['http/protobuf', 'http/json'] as const)(
    'are reported as abandoned by the next one, over %s',
    async (protocol) => {
      await using service = await startService({ protocol })
      const { sink } = service
      await using app = service.start('opens')
      const runs = await app.message<OpenedRuns>()
      expect(service.rootsOf(runs.awaited)).toEqual([])
      const onDisk = service.files.map((name) => readFileSync(join(service.directory, name), 'latin1')).join('')
      expect(onDisk).toContain('orders')
      expect(onDisk).not.toContain('hunter2')
      await killed(app)

      await using next = service.start('delivers')
      expect(await next.message()).toMatchObject({ adoptedSpans: 2, exportedSpans: 2 })
      const [awaited, ...again] = service.rootsOf(runs.awaited)
      expect(again).toEqual([])
      expect(awaited).toMatchObject({
        name: 'invoke_agent awaited',
        parentSpanContext: undefined,
        status: { code: 2, message: 'process_lost' },
        attributes: {
          'error.type': 'abandoned',
          'gen_ai.agent.name': 'awaited',
          'runspan.run.id': runs.awaited,
          'runspan.run.status': 'abandoned',
          'runspan.run.status_reason': 'process_lost',
          'runspan.calls.llm': 1,
          'runspan.cost.nano_usd': 500_000_000,
          'runspan.errors': 1,
          'runspan.rollup.complete': false,
          'runspan.rollup.incomplete_reasons': ['open_spans', 'process_lost'],
          'runspan.rollup.open_spans': 1,
          'runspan.rollup.scope': 'run',
          'runspan.spans': 2,
          'runspan.usage.input_tokens': 3,
        },
      })
      // It ends when its process was last seen, and all of it that came hangs below it.
      const call = sink.of(runs.awaited).find(({ name }) => name === 'chat small-model')!
      expect(call.parentSpanContext?.spanId).toBe(awaited!.spanId)
      expect(millis(awaited!.endTime)).toBeGreaterThan(millis(awaited!.startTime))
      expect(
        sink.live.some(
          ({ traceId, startTime }) => traceId === runs.awaited && millis(startTime) >= millis(awaited!.startTime),
        ),
      ).toBe(true)

      const [byHand] = service.rootsOf(runs.byHand)
      expect(byHand?.attributes).toMatchObject({
        'runspan.run.goal': 'load rows',
        'runspan.run.status': 'abandoned',
        'runspan.input': '{"password":"[redacted]","table":"orders"}',
      })
      // What had ended, and what is somebody else's to end, is left alone.
      expect(service.rootsOf(runs.ended).map(({ attributes }) => attributes['runspan.run.status'])).toEqual([
        'completed',
      ])
      expect(service.rootsOf(runs.handedOff.runId)).toEqual([])
      next.send('go')
      expect(await next.ended).toMatchObject({ code: 0 })
      expect(service.files).toEqual([])
    },
  )

  it('are reported once, also where two processes come at once', async () => {
    await using service = await startService()
    await using app = service.start('opens')
    const runs = await app.message<OpenedRuns>()
    await killed(app)
    await using one = service.start('delivers')
    await using other = service.start('delivers')
    const stats = await Promise.all([one, other].map((next) => next.message<{ adoptedSpans: number }>()))
    expect(stats.reduce((sum, { adoptedSpans }) => sum + adoptedSpans, 0)).toBe(2)
    expect([runs.awaited, runs.byHand].map((runId) => service.rootsOf(runId).length)).toEqual([1, 1])
  })

  it('are left alone while it lives, however long it has not shown that', async () => {
    await using service = await startService()
    await using app = service.start('opens')
    const runs = await app.message<OpenedRuns>()
    const files = service.files.filter((name) => name.endsWith('.runs'))
    expect(files).toHaveLength(1)
    for (const name of files) utimesSync(join(service.directory, name), 1, 1)
    await using early = service.start('delivers')
    expect(await early.message()).toMatchObject({ adoptedSpans: 0 })
    expect(service.rootsOf(runs.byHand)).toEqual([])
    // It would look again later.
    early.send('go')
    expect(await early.ended).toMatchObject({ code: 0 })
    // The control: the same, when it is gone.
    await killed(app)
    await using late = service.start('delivers')
    expect(await late.message()).toMatchObject({ adoptedSpans: 2 })
    expect(service.rootsOf(runs.byHand)).toHaveLength(1)
  })

  it('have ended where it ends by itself, so that nothing is left to report', async () => {
    await using service = await startService()
    await using app = service.start('opens')
    const runs = await app.message<OpenedRuns>()
    app.send('go')
    expect(await app.ended).toMatchObject({ code: 0 })
    expect(service.rootsOf(runs.byHand).map(({ attributes }) => attributes['runspan.run.status_reason'])).toEqual([
      'shutdown',
    ])
    expect(service.files).toEqual([])
  })
})

function millis([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1000 + nanos / 1e6
}
