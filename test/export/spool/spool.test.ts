import {
  appendFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import type { SpoolOptions } from '../../../src/export/index.ts'
import { RunspanError } from '../../../src/index.ts'
import type { DeliveringScript } from '../../fixtures/delivering-app.ts'
import { startCollector } from '../../support/scripted-collector.ts'
import { spawnProcess } from '../../support/spawn-process.ts'
import { until } from '../../support/until.ts'
import { accounted, deliver, names } from '../delivery/ended-spans.ts'
import { clock, directory, MiB, spooling, useSpoolDirectory } from './spool-directory.ts'

useSpoolDirectory()

const files = (): readonly string[] => readdirSync(directory)
const sizeBytes = (): number => files().reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)

describe('a spool in mode overflow', () => {
  it('takes what does not fit into memory, and gives it back in order when the destination is back', async () => {
    await using collector = await startCollector(() => 503)
    await using delivering = deliver({ ...spooling(collector.url), maxConcurrentRequests: 1 })
    for (const name of names(6000)) delivering.endWith(name, { text: 'x'.repeat(500) })
    clock.advance(1000)
    await until(() => delivering.stats().state === 'down' && delivering.stats().inFlightSpans === 0)
    const { spooledSpans, queuedSpans, queuedBytes } = delivering.stats()
    expect(spooledSpans).toBeGreaterThan(3000)
    expect(spooledSpans + queuedSpans).toBe(6000)
    expect(queuedBytes).toBeLessThanOrEqual(MiB)

    collector.script = () => 200
    clock.advance(2000)
    await until(() => delivering.stats().exportedSpans === 6000 - delivering.stats().queuedSpans)
    await delivering.processor.flush()
    await until(() => delivering.stats().exportedSpans === 6000)
    expect(collector.tally(names(6000))).toEqual({ delivered: 6000, duplicated: 0, lost: 0 })
    // Only the request that had been under way when memory was full comes out of its turn.
    const spooled = collector.kept.slice(1100, 1100 + 2000).map((name) => Number(name.split(' ')[1]))
    expect(spooled).toEqual(spooled.toSorted((a, b) => a - b))
    expect(accounted(delivering.stats())).toBe(6000)
    expect(sizeBytes()).toBe(0)
  })

  it('keeps what a shutdown could not deliver for the next process, which takes it at once', async () => {
    await using collector = await startCollector(() => 503)
    const first = deliver(spooling(collector.url))
    first.end(...names(100))
    await first[Symbol.asyncDispose]()
    expect(first.stats()).toMatchObject({ spooledSpans: 100, droppedSpans: { shutdown: 0 } })
    expect(files()).toHaveLength(1)

    collector.script = () => 200
    await using second = deliver(spooling(collector.url))
    await collector.keptAtLeast(100)
    await until(() => second.stats().exportedSpans === 100)
    expect(second.stats()).toMatchObject({ startedSpans: 0, adoptedSpans: 100, spooledSpans: 0 })
    expect(accounted(second.stats())).toBe(100)
    expect(collector.tally(names(100))).toEqual({ delivered: 100, duplicated: 0, lost: 0 })
    expect(files()).toHaveLength(0)
  })

  it('goes on splitting and isolating what comes from there', async () => {
    await using collector = await startCollector(() => 503)
    const first = deliver(spooling(collector.url))
    first.end(...names(64))
    await first[Symbol.asyncDispose]()
    collector.script = ({ spanNames }) => (spanNames.length > 10 ? 413 : spanNames.includes('span 40') ? 400 : 200)
    await using second = deliver(spooling(collector.url))
    await until(() => second.stats().exportedSpans === 63 && second.stats().droppedSpans.refused === 1)
    expect(second.stats()).toMatchObject({ adoptedSpans: 64, queuedSpans: 0 })
    expect(collector.tally(names(64))).toEqual({ delivered: 63, duplicated: 0, lost: 1 })
    expect(files()).toHaveLength(0)
  })

  it('is left alone by other destinations', async () => {
    await using one = await startCollector(() => 503)
    await using other = await startCollector()
    const first = deliver(spooling(one.url))
    first.end('secret of one')
    await first[Symbol.asyncDispose]()
    await using second = deliver(spooling(other.url))
    second.end('own')
    await second.processor.flush()
    expect(other.kept).toEqual(['own'])
    expect(files()).toHaveLength(1)
  })

  it('gives up its oldest spans where its bound in bytes is reached, and counts them', async () => {
    const drops: unknown[] = []
    await using collector = await startCollector(() => 503)
    await using delivering = deliver({
      ...spooling(collector.url, { maxBytes: 2 * MiB }),
      scheduledDelayMillis: 0,
      onDrop: ({ reason }) => drops.push(reason),
    })
    delivering.end('first')
    clock.advance(0)
    await until(() => delivering.stats().state === 'down' && delivering.stats().inFlightSpans === 0)
    for (const name of names(39)) delivering.endWith(name, { text: 'x'.repeat(200_000) })
    clock.advance(0)
    await until(() => delivering.stats().droppedSpans.spool_full > 0)
    const { droppedSpans, queuedBytes } = delivering.stats()
    expect(droppedSpans.queue_full).toBe(0)
    expect(accounted(delivering.stats())).toBe(40)
    expect(queuedBytes).toBeLessThanOrEqual(MiB)
    expect(sizeBytes()).toBeLessThanOrEqual(2 * MiB)
    await until(() => drops.includes('spool_full'))
  })

  it('holds its bound in memory while it gives spans back', async () => {
    let mostBytes = 0
    await using collector = await startCollector(() => 503)
    await using delivering = deliver({ ...spooling(collector.url), scheduledDelayMillis: 0 })
    delivering.end('first')
    clock.advance(0)
    await until(() => delivering.stats().state === 'down' && delivering.stats().inFlightSpans === 0)
    for (const name of names(49)) delivering.endWith(name, { text: 'x'.repeat(200_000) })
    clock.advance(0)
    await until(() => delivering.stats().spooledSpans > 30)
    collector.script = () => {
      mostBytes = Math.max(mostBytes, delivering.stats().queuedBytes)
      return 200
    }
    clock.advance(2000)
    await until(() => delivering.stats().exportedSpans === 50)
    expect(mostBytes).toBeGreaterThan(0)
    expect(mostBytes).toBeLessThanOrEqual(MiB)
  })

  it('gives up what is older than maxAgeMillis', async () => {
    await using collector = await startCollector(() => 503)
    const first = deliver(spooling(collector.url))
    first.end(...names(10))
    await first[Symbol.asyncDispose]()
    clock.advance(2000)
    await using second = deliver(spooling(collector.url, { maxAgeMillis: 1000 }))
    expect(second.stats()).toMatchObject({ adoptedSpans: 10, droppedSpans: { spool_expired: 10 } })
    expect(files()).toHaveLength(0)
  })

  it.each<[string, (file: string) => void, number, number]>([
    ['a last record that was cut off', (file) => truncateSync(file, statSync(file).size - 3), 20, 0],
    ['rubbish behind the last record', (file) => appendFileSync(file, 'rubbish'), 30, 0],
    ['a record with a flipped bit', flipBit, 30, 10],
  ])('skips %s and delivers the others', async (_title, damage, adopted, lost) => {
    await using collector = await startCollector(() => 503)
    const first = deliver({ ...spooling(collector.url), maxExportBatchSize: 10 })
    first.end(...names(30))
    await first[Symbol.asyncDispose]()
    damage(join(directory, files()[0]!))
    collector.script = () => 200
    await using second = deliver(spooling(collector.url))
    await until(() => second.stats().exportedSpans === adopted - lost)
    expect(second.stats()).toMatchObject({ adoptedSpans: adopted, droppedSpans: { spool_damaged: lost } })
    expect(accounted(second.stats())).toBe(adopted)
    expect(files()).toHaveLength(0)
  })

  it('does without a disk that takes nothing: what does not fit is dropped and counted', async () => {
    await using collector = await startCollector(() => 503)
    await using delivering = deliver(spooling(collector.url))
    rmSync(directory, { recursive: true })
    writeFileSync(directory, 'no directory')
    for (const name of names(3000)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    expect(delivering.stats().droppedSpans.queue_full).toBeGreaterThan(1000)
    expect(accounted(delivering.stats())).toBe(3000)
  })

  it.each<[string, SpoolOptions, string]>([
    ['spool.directory', { directory: '' }, 'Pass a path.'],
    ['spool.mode', { directory: '/tmp', mode: 'sometimes' as never }, "'overflow' or 'always'"],
    ['spool.sync', { directory: '/tmp', sync: 'never' as never }, "'always', 'interval' or 'none'"],
    ['spool.leaseMillis', { directory: '/tmp', leaseMillis: 1 }, 'at least 1000'],
    ['spool', { directory: '/tmp', dir: '/tmp' } as never, 'it has no option dir. Did you mean directory?'],
    ['spool.directory', { directory: `${process.execPath}/below-a-file` }, 'may write to'],
  ])('refuses a bad %s', (name, spool, advice) => {
    const create = (): unknown => deliver({ url: 'http://localhost/', spool })
    expect(create).toThrow(RunspanError)
    expect(create).toThrow(`Failed to configure ${name}:`)
    expect(create).toThrow(advice)
  })
})

describe('a spool in mode always', () => {
  it.each(['always', 'none'] as const)(
    'has every request before it is sent, so that nothing is lost by kill -9 with sync %s',
    async (sync) => {
      await using collector = await startCollector(() => 'hang')
      const script: DeliveringScript = {
        options: {
          url: collector.url,
          maxExportBatchSize: 20,
          maxConcurrentRequests: 10,
          spool: { directory, mode: 'always', sync, leaseMillis: 1000 },
        },
        spans: 100,
        finally: 'wait',
      }
      await using killed = spawnProcess('delivering-app', script)
      const pid = await killed.message<number>()
      await collector.arrived(5)
      process.kill(pid, 'SIGKILL')
      expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })
      expect(collector.kept).toEqual([])

      // Nobody has touched the file for longer than the lease.
      const longAgo = new Date(Date.now() - 60_000)
      for (const name of files()) utimesSync(join(directory, name), longAgo, longAgo)
      collector.script = () => 200
      await using heir = spawnProcess('delivering-app', { ...script, spans: 0 })
      await heir.message<number>()
      await collector.keptAtLeast(100)
      expect(collector.tally(names(100))).toEqual({ delivered: 100, duplicated: 0, lost: 0 })
    },
  )

  it('leaves the files of a process that lives alone', async () => {
    await using collector = await startCollector(() => 'hang')
    await using living = deliver(spooling(collector.url, { mode: 'always' }))
    living.end('one')
    void living.processor.flush()
    await collector.arrived(1)
    collector.script = () => 200
    await using other = deliver(spooling(collector.url, { mode: 'always' }))
    clock.advance(20_000)
    expect(other.stats().adoptedSpans).toBe(0)
  })

  it('writes nothing that redaction takes away', async () => {
    await using collector = await startCollector(() => 503)
    const delivering = deliver({ ...spooling(collector.url, { mode: 'always' }), redaction: { keys: ['secret'] } })
    delivering.endWith('one', { secret: 'hush hush', open: 'for all' })
    await delivering[Symbol.asyncDispose]()
    const written = readFileSync(join(directory, files()[0]!))
    expect(written.includes('for all')).toBe(true)
    expect(written.includes('hush hush')).toBe(false)
  })
})

function flipBit(file: string): void {
  const bytes = readFileSync(file)
  bytes[100]! ^= 1
  writeFileSync(file, bytes)
}
