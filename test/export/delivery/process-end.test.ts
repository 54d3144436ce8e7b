import { describe, expect, it } from 'vitest'

import type { DeliveringScript } from '../../fixtures/delivering-app.ts'
import { startCollector } from '../../support/scripted-collector.ts'
import { spawnProcess, type FixtureProcess } from '../../support/spawn-process.ts'
import { names } from './ended-spans.ts'

/** Of the process's last moment: long enough for a machine that is busy with other work. */
const exitTimeoutMillis = 60_000

function start(script: DeliveringScript): FixtureProcess {
  return spawnProcess('delivering-app', script)
}

describe('the end of a process', () => {
  it.each([
    ['exit', 3],
    ['throw', 1],
    ['reject', 1],
    ['natural end', 0],
  ] as const)('loses nothing by %s, and keeps the exit code', async (ending, code) => {
    await using collector = await startCollector()
    const options = { url: collector.url, maxExportBatchSize: 100, exitTimeoutMillis }
    await using app = start({ options, spans: 2000, finally: ending })
    expect(await app.ended).toMatchObject({ code, signal: null })
    expect(collector.tally(names(2000))).toEqual({ delivered: 2000, duplicated: 0, lost: 0 })
  })

  it('sends by process.exit() what another destination needs, with its headers and compression', async () => {
    await using one = await startCollector()
    await using other = await startCollector()
    await using app = start({
      options: {
        exitTimeoutMillis,
        destinations: [
          { url: one.url, headers: { 'x-tenant': 'acme' }, compression: 'gzip' },
          { url: other.url, name: 'other' },
        ],
      },
      spans: 5,
      finally: 'exit',
    })
    expect(await app.ended).toMatchObject({ code: 3 })
    expect(one.requests[0]?.headers).toMatchObject({ 'x-tenant': 'acme', 'content-encoding': 'gzip' })
    expect([one.kept.length, other.kept.length]).toEqual([5, 5])
  })

  it('is held up for no longer than exitTimeoutMillis where nobody answers, and counts what it could not send', async () => {
    await using collector = await startCollector(() => 'hang')
    await using app = start({ options: { url: collector.url, exitTimeoutMillis: 300 }, spans: 5, finally: 'exit' })
    expect(await app.message()).toMatchObject({ queuedSpans: 0, exportedSpans: 0, droppedSpans: { shutdown: 5 } })
    expect(await app.ended).toMatchObject({ code: 3 })
  })

  it('that is natural waits for a collector that restarts, where it has taken spans before', async () => {
    await using collector = await startCollector()
    await using app = start({ options: { url: collector.url }, spans: 5, isWarm: true, finally: 'natural end' })
    collector.script = ({ index }) => (index === 1 ? 503 : 200)
    expect(await app.message()).toBe('warm')
    expect(await app.ended).toMatchObject({ code: 0 })
    expect(collector.tally(names(5))).toEqual({ delivered: 5, duplicated: 0, lost: 0 })
  })

  it('lets a flush that somebody awaits end, although every pause lets go of the process', async () => {
    await using collector = await startCollector(({ index }) => (index === 0 ? 503 : 200))
    await using app = start({ options: { url: collector.url }, spans: 5, finally: 'shutdown' })
    expect(await app.ended).toMatchObject({ code: 0 })
    expect(collector.tally(names(5))).toEqual({ delivered: 5, duplicated: 0, lost: 0 })
  })

  it('that is natural does not wait for a collector that was never there', async () => {
    await using collector = await startCollector()
    await collector.stop()
    await using app = start({
      options: { url: collector.url, flushTimeoutMillis: 60_000 },
      spans: 5,
      finally: 'natural end',
    })
    expect(await app.ended).toMatchObject({ code: 0 })
  })

  it('needs nothing of what the process was started with: preloaded modules run once', async () => {
    await using collector = await startCollector()
    const preload = 'data:text/javascript,console.log(%22preloaded%22)'
    await using app = spawnProcess(
      'delivering-app',
      { options: { url: collector.url, exitTimeoutMillis }, spans: 1, finally: 'exit' } satisfies DeliveringScript,
      { NODE_OPTIONS: `--import ${preload}` },
    )
    expect(await app.ended).toMatchObject({ code: 3, stdout: 'preloaded\n' })
    expect(collector.kept).toEqual(['span 0'])
  })
})
