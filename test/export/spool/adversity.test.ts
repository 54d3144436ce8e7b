import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { shared } from '../../../src/run/shared.ts'
import { deferred } from '../../support/deferred.ts'
import { startCollector } from '../../support/scripted-collector.ts'
import { until } from '../../support/until.ts'
import { accounted, deliver, names, type Delivering } from '../delivery/ended-spans.ts'
import { clock, directory, MiB, spooling, useSpoolDirectory } from './spool-directory.ts'

useSpoolDirectory()

/** Shuts down, with time passing as far as its deadline. */
async function shutDown(delivering: Delivering): Promise<void> {
  await delivering[Symbol.asyncDispose]()
}

/** Files of the spool that this process has open. */
function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`)
      return path.startsWith(directory) ? [path] : []
    } catch {
      return []
    }
  })
}

/** Leaves a file with `count` spans that a process which has died had, and returns its name without owner and number. */
async function leaveOrphan(url: string, count: number): Promise<{ readonly file: string; readonly stem: string }> {
  const dead = deliver(spooling(url))
  dead.end(...names(count))
  await shutDown(dead)
  const [name] = readdirSync(directory)
  return { file: join(directory, name!), stem: name!.split('-').slice(0, 2).join('-') }
}

describe('a spool', () => {
  it.skipIf(!canMount())('goes on when its disk was full, and has lost nothing that it did not count', async () => {
    await using collector = await startCollector(() => 503)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory])
    try {
      const filler = join(directory, 'filler')
      writeFileSync(filler, Buffer.alloc(7.5 * MiB))
      const first = deliver(spooling(collector.url))
      for (const name of names(4000)) first.endWith(name, { text: 'x'.repeat(1000) })
      const whileFull = first.stats().droppedSpans.queue_full
      expect(whileFull).toBeGreaterThan(500)
      expect(accounted(first.stats())).toBe(4000)
      unlinkSync(filler)
      // It is asked again after a second: a program that ends spans is not to find out with each of them.
      clock.advance(1000)
      for (const name of names(1000, 'later')) first.endWith(name, { text: 'x'.repeat(1000) })
      expect(first.stats().droppedSpans.queue_full).toBe(whileFull)
      await shutDown(first)
      const { spooledSpans, droppedSpans } = first.stats()
      expect(accounted(first.stats())).toBe(5000)
      expect(droppedSpans).toMatchObject({ queue_full: whileFull, spool_damaged: 0 })

      // What the full disk cut off is in nobody's way.
      collector.script = () => 200
      await using second = deliver(spooling(collector.url))
      await until(() => second.stats().exportedSpans === spooledSpans)
      expect(second.stats()).toMatchObject({ adoptedSpans: spooledSpans, droppedSpans: { spool_damaged: 0 } })
      await shutDown(second)
    } finally {
      execFileSync('umount', ['--lazy', directory])
    }
  })

  it('makes its directory again, and still has what was in the files that went with it', async () => {
    await using collector = await startCollector(() => 503)
    await using delivering = deliver(spooling(collector.url))
    for (const name of names(3000)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    expect(delivering.stats().spooledSpans).toBeGreaterThan(1000)
    rmSync(directory, { recursive: true })
    clock.advance(10_000)
    for (const name of names(2000, 'later')) delivering.endWith(name, { text: 'x'.repeat(1000) })
    expect(readdirSync(directory)).toHaveLength(1)
    collector.script = () => 200
    void delivering.processor.flush()
    clock.advance(60_000)
    await until(() => delivering.stats().exportedSpans === 5000)
    expect(collector.tally([...names(3000), ...names(2000, 'later')])).toMatchObject({ delivered: 5000, lost: 0 })
  })

  it('counts as lost what it cannot leave behind, because somebody deleted its file', async () => {
    await using collector = await startCollector(() => 503)
    const delivering = deliver(spooling(collector.url))
    for (const name of names(3000)) delivering.endWith(name, { text: 'x'.repeat(1000) })
    const { spooledSpans } = delivering.stats()
    expect(spooledSpans).toBeGreaterThan(1000)
    rmSync(directory, { recursive: true })
    clock.advance(10_000)
    await shutDown(delivering)
    const after = delivering.stats()
    expect(after).toMatchObject({ droppedSpans: { spool_damaged: spooledSpans }, spooledSpans: 3000 - spooledSpans })
    expect(accounted(after)).toBe(3000)
    expect(openFiles()).toEqual([])
  })

  it('writes nothing to a file that it was too late to touch: it may be somebody else’s by now', async () => {
    const release = deferred()
    let isSuspended = false
    await using collector = await startCollector(async () => {
      if (isSuspended) return 503
      await release.promise
      return 200
    })
    const options = { ...spooling(collector.url, { mode: 'always' }), maxExportBatchSize: 10 }
    await using suspended = deliver(options)
    suspended.end(...names(30))
    void suspended.processor.flush()
    await collector.arrived(3)

    isSuspended = true
    // By the clock of this test, which the disk does not know.
    const [name] = readdirSync(directory)
    utimesSync(join(directory, name!), clock.nowUnixMillis() / 1000, clock.nowUnixMillis() / 1000)
    // A minute passes in which no timer of this process fires.
    shared().clock = {
      nowUnixMillis: () => clock.nowUnixMillis() + 60_000,
      every: (millis, callback) => clock.every(millis, callback),
      after: (millis, callback) => clock.after(millis, callback),
    }
    await using heir = deliver(options)
    await until(() => heir.stats().state === 'down' && heir.stats().inFlightSpans === 0)
    expect(heir.stats().adoptedSpans).toBe(30)
    // It wakes up, and its requests are answered.
    release.resolve()
    await until(() => suspended.stats().exportedSpans === 30)
    collector.script = () => 200
    void heir.processor.flush()
    await until(() => heir.stats().exportedSpans === 30)
    expect(heir.stats().droppedSpans.spool_damaged).toBe(0)
    expect(collector.tally(names(30))).toEqual({ delivered: 30, duplicated: 30, lost: 0 })
  })

  it('takes over the files beside one that cannot be', async () => {
    await using collector = await startCollector(() => 503)
    const { stem } = await leaveOrphan(collector.url, 5)
    mkdirSync(join(directory, `${stem}-free-0.spool`))
    await using heir = deliver(spooling(collector.url))
    expect(heir.stats().adoptedSpans).toBe(5)
    collector.script = () => 200
    await until(() => heir.stats().exportedSpans === 5)
  })

  it('opens few files at a time, however many a service that crashed again and again has left, and none at its end', async () => {
    await using collector = await startCollector(() => 503)
    const { file, stem } = await leaveOrphan(collector.url, 2)
    for (let index = 1; index < 150; index++) copyFileSync(file, join(directory, `${stem}-free-${index}.spool`))
    const heir = deliver(spooling(collector.url))
    expect(openFiles()).toHaveLength(64)
    expect(heir.stats().adoptedSpans).toBe(128)
    collector.script = () => 200
    for (let round = 0; round < 3; round++) {
      clock.advance(10_000)
      await until(() => heir.stats().spooledSpans === 0 && heir.stats().inFlightSpans === 0)
    }
    expect(heir.stats()).toMatchObject({ adoptedSpans: 300, exportedSpans: 300 })
    // What is in many files goes out in few requests.
    expect(collector.requests.length).toBeLessThan(12)
    await shutDown(heir)
    expect(openFiles()).toEqual([])
    expect(readdirSync(directory)).toEqual([])
  })
})

/** A disk of a given size needs a mount, which not every user may. */
function canMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'runspan-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe])
    return true
  } catch {
    console.warn('the test of a full disk is left out: this user may not mount a tmpfs')
    return false
  } finally {
    rmSync(probe, { recursive: true })
  }
}
