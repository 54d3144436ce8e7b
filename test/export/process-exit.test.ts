import { describe, expect, it } from 'vitest'

import type { AppScript } from '../fixtures/registered-app.ts'
import { spawnProcess, type FixtureProcess } from '../support/spawn-process.ts'
import { recordRequests, type OtlpRequests } from './otlp-requests.ts'

const run = ['chat small-model', 'invoke_agent planner']

describe('the end of a process', () => {
  it('exports what has ended when a script reaches its end', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, {})
    expect(await app.ended).toMatchObject({ code: 0, signal: null })
    expect(sink.spanNames).toEqual(run)
  })

  it('ends a run that nobody will end any more as abandoned', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { leavesOpen: true })
    expect(await app.ended).toMatchObject({ code: 0, signal: null })
    expect(sink.spanNames).toEqual([...run, 'runspan started', 'invoke_agent forgotten'])
    expect(sink.all.at(-1)?.spans[0]?.attributes).toMatchObject({
      'runspan.run.status': 'abandoned',
      'runspan.run.status_reason': 'process_exit',
    })
  })

  it('lets another beforeExit listener end its run first', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { leavesOpen: true, endsLate: true })
    expect(await app.ended).toMatchObject({ code: 0, signal: null })
    expect(sink.all.at(-1)?.spans[0]?.attributes).toMatchObject({ 'runspan.run.status': 'completed' })
  })

  it('waits for a slow backend', async () => {
    await using sink = await recordRequests(async () => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return 200
    })
    await using app = start(sink, {})
    expect(await app.ended).toMatchObject({ code: 0, signal: null })
    expect(sink.spanNames).toEqual(run)
  })

  it('exports on SIGTERM, and then dies of it as it would have', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { finally: 'wait', leavesOpen: true })
    const pid = await app.message<number>()
    process.kill(pid, 'SIGTERM')
    expect(await app.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(sink.spanNames.toSorted()).toEqual([...run, 'invoke_agent forgotten', 'runspan started'].toSorted())
  })

  it('exports on SIGINT too', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { finally: 'wait' })
    const pid = await app.message<number>()
    process.kill(pid, 'SIGINT')
    expect(await app.ended).toMatchObject({ code: null, signal: 'SIGINT' })
    expect(sink.spanNames).toEqual(run)
  })

  it('dies at the deadline when the backend does not answer', async () => {
    await using sink = await recordRequests(() => new Promise(() => {}))
    await using app = start(sink, { finally: 'wait', options: { flushTimeoutMillis: 200 } })
    const pid = await app.message<number>()
    process.kill(pid, 'SIGTERM')
    expect(await app.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  it('dies at once of a second signal', async () => {
    await using sink = await recordRequests(() => new Promise(() => {}))
    await using app = start(sink, { finally: 'wait' })
    const pid = await app.message<number>()
    process.kill(pid, 'SIGTERM')
    await sink.arrived(1)
    process.kill(pid, 'SIGTERM')
    expect(await app.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  it('flushes and leaves the end to an application that listens itself, with once', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { finally: 'wait', ownListenerMillis: 300 })
    const pid = await app.message<number>()
    process.kill(pid, 'SIGTERM')
    expect(await app.message()).toBe('heard')
    await sink.arrived(1)
    expect(await app.ended).toMatchObject({ code: 0, signal: null })
    expect(sink.spanNames).toEqual(run)
  })

  it('dies at once, without a flush, where exitSignals is off', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { finally: 'wait', options: { exitSignals: false } })
    const pid = await app.message<number>()
    process.kill(pid, 'SIGTERM')
    expect(await app.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(sink.spanNames).toEqual([])
  })

  it.each([
    ['throw', 1],
    ['exit', 3],
  ] as const)('loses nothing by %s, open runs included, and keeps the exit code', async (ending, code) => {
    await using sink = await recordRequests()
    await using app = start(sink, { finally: ending, leavesOpen: true })
    expect(await app.ended).toMatchObject({ code, signal: null })
    expect(sink.spanNames).toEqual([...run, 'runspan started', 'invoke_agent forgotten'])
    expect(sink.all.at(-1)?.spans.at(-1)?.attributes).toMatchObject({
      'runspan.run.status': 'abandoned',
      'runspan.run.status_reason': 'process_exit',
    })
  })

  it('loses by exit what an exporter of OpenTelemetry’s still has, as the documentation says', async () => {
    await using sink = await recordRequests()
    await using app = start(sink, { finally: 'exit', options: { exporter: 'stock' } })
    expect(await app.ended).toMatchObject({ code: 3, signal: null })
    expect(sink.spanNames).toEqual([])
  })
})

function start(sink: OtlpRequests, script: AppScript): FixtureProcess {
  return spawnProcess('registered-app', script, { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url })
}
