import { existsSync, readFileSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { RunIdGenerator, RunRollupProcessor, startRun, type OpenRun } from '../../../src/index.ts'
import { RunspanSpanProcessor } from '../../../src/export/index.ts'
import { EncodedSpan } from '../../../src/export/otlp/encoded-span.ts'
import { createOtlpEncoder } from '../../../src/export/otlp/create-otlp-encoder.ts'
import { withEndTime } from '../../../src/export/otlp/with-end-time.ts'
import { adoptLostRuns } from '../../../src/export/spool/lost-runs.ts'
import { OpenRunFile } from '../../../src/export/spool/open-run-file.ts'
import { leftRecord, openRecord, ownerRecord, readOpenRuns } from '../../../src/export/spool/open-run-record.ts'
import { livesOn, ownIdentity } from '../../../src/export/spool/process-identity.ts'
import { spoolSettings } from '../../../src/export/spool/spool-options.ts'
import { useFakeClock } from '../../support/fake-clock.ts'
import { fullSpan } from '../otlp/full-span.ts'

const now = 1_700_000_000_000
const leaseMillis = 30_000

/** An empty directory. */
class Directory implements AsyncDisposable {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  get files(): readonly string[] {
    return readdirSync(this.path)
  }

  /** The only file of open runs. */
  get runsPath(): string {
    const found = this.files.filter((name) => name.endsWith('.runs'))
    expect(found).toHaveLength(1)
    return join(this.path, found[0]!)
  }

  file(owner = 'me'): OpenRunFile {
    return new OpenRunFile(spoolSettings({ directory: this.path }), 'abc', owner)
  }

  /** What a process takes over from others that may be lost. */
  adopt(owner: string, nowUnixMillis: number, take: (roots: readonly EncodedSpan[]) => boolean = () => true): string[] {
    const taken: string[] = []
    adoptLostRuns(
      {
        directory: this.path,
        key: 'abc',
        owner,
        leaseMillis,
        take: (roots, lastSeenUnixMillis) => {
          taken.push(...roots.map(({ bytes }) => `${Buffer.from(bytes).toString()} ${lastSeenUnixMillis}`))
          return take(roots)
        },
        failed: (what) => void taken.push(what),
      },
      nowUnixMillis,
    )
    return taken
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true })
  }
}

async function directory(): Promise<Directory> {
  return new Directory(await mkdtemp(join(tmpdir(), 'runspan-open-')))
}

const group = { bytes: Buffer.from('group'), schemaUrl: '', isPending: false, settled: () => Promise.resolve() }

function rootOf(text: string): EncodedSpan {
  return new EncodedSpan(group, group, 0, Buffer.from(text))
}

function run(index: number, text = `root ${index}`): { runId: string; root: EncodedSpan } {
  return { runId: index.toString(16).padStart(32, '0'), root: rootOf(text) }
}

function rootsIn(path: string): readonly string[] {
  return readOpenRuns(readFileSync(path)).roots.map(({ bytes }) => Buffer.from(bytes).toString())
}

/** Says of a file that a process on another machine has it. */
function ofAnotherMachine(path: string): void {
  const records = readFileSync(path).subarray(ownerRecord(ownIdentity()).byteLength)
  writeFileSync(path, Buffer.concat([ownerRecord({ space: 'elsewhere', pid: 1, startTicks: '1' }), records]))
}

describe('the file of open runs', () => {
  it('has the newest record of each run that is open, and none of those that are not', async () => {
    await using there = await directory()
    const file = there.file()
    expect(there.files).toEqual([])
    file.write([run(1), run(2), run(3)], [], now)
    file.write([run(2, 'root 2 later')], [run(1).runId, run(7).runId], now)
    expect(rootsIn(there.runsPath).toSorted()).toEqual(['root 2 later', 'root 3'])
    expect(readOpenRuns(readFileSync(there.runsPath)).owner).toEqual(ownIdentity())
  })

  it('goes where nothing is open at the end, and stays where something is', async () => {
    await using there = await directory()
    const done = there.file()
    done.write([run(1)], [], now)
    done.write([], [run(1).runId], now)
    done.close()
    expect(there.files).toEqual([])
    const left = there.file()
    left.write([run(2)], [], now)
    left.close()
    expect(rootsIn(there.runsPath)).toEqual(['root 2'])
  })

  it('is freed of what has ended, so that it does not grow with the number of runs', async () => {
    await using there = await directory()
    const file = there.file()
    const text = 'x'.repeat(1000)
    file.write([run(1, 'stays')], [], now)
    for (let index = 2; index < 2000; index++) {
      file.write([run(index, text)], [], now)
      file.write([], [run(index).runId], now)
    }
    expect(readFileSync(there.runsPath).byteLength).toBeLessThan(400 * 1024)
    expect(rootsIn(there.runsPath)).toEqual(['stays'])
    file.write([], [run(1).runId], now)
    expect(rootsIn(there.runsPath)).toEqual([])
    file.close()
  })

  it('has a bound in runs: what is beyond is said, and what is there stays', async () => {
    await using there = await directory()
    const file = there.file()
    const many = Array.from({ length: 10_000 }, (_, index) => run(index))
    expect(file.write(many, [], now)).toBe(true)
    expect(file.write([run(10_000)], [], now)).toBe(false)
    expect(file.write([run(5, 'again')], [], now)).toBe(true)
    expect(file.write([run(10_000)], [run(6).runId], now)).toBe(true)
    file.close()
  })

  it('is left to others by a process that could not show in time that it lives, which goes on with another', async () => {
    await using there = await directory()
    const file = there.file()
    file.write([run(1)], [], now)
    const first = there.runsPath
    file.touch(now + leaseMillis / 3)
    expect(there.runsPath).toBe(first)
    // Somebody has taken it over meanwhile.
    renameSync(first, join(there.path, 'taken'))
    file.touch(now + 2 * leaseMillis)
    expect(there.runsPath).not.toBe(first)
    expect(rootsIn(there.runsPath)).toEqual(['root 1'])
    expect(existsSync(join(there.path, 'taken'))).toBe(true)
    file.close()
  })

  it('is read as far as it goes where its end was cut off or is damaged', () => {
    const whole = Buffer.concat([ownerRecord(undefined), openRecord(run(1).runId, run(1).root)])
    const further = openRecord(run(2).runId, run(2).root)
    expect(readOpenRuns(Buffer.concat([whole, further])).roots).toHaveLength(2)
    for (let size = 1; size < further.byteLength; size += 7) {
      expect(readOpenRuns(Buffer.concat([whole, further.subarray(0, size)]))).toMatchObject({
        isTorn: true,
        roots: [{ bytes: Buffer.from('root 1') }],
      })
    }
    further[further.byteLength - 1]! ^= 1
    expect(readOpenRuns(Buffer.concat([whole, further, leftRecord(run(1).runId)])).roots).toHaveLength(1)
  })
})

describe('open runs of others', () => {
  it('are taken over when their process has not shown for a lease that it lives, where that is all there is to know', async () => {
    await using there = await directory()
    there.file('other').write([run(1)], [], now)
    ofAnotherMachine(there.runsPath)
    const seenAt = now - 5_000
    utimesSync(there.runsPath, seenAt / 1000, seenAt / 1000)
    expect(there.adopt('me', seenAt + leaseMillis - 1)).toEqual([])
    expect(there.adopt('me', seenAt + leaseMillis + 1)).toEqual([`root 1 ${seenAt}`])
    expect(there.files).toEqual([])
  })

  it('are left alone while their process lives, and those of another destination for ever', async () => {
    await using there = await directory()
    const file = there.file('other')
    file.write([run(1)], [], now)
    utimesSync(there.runsPath, 1, 1)
    expect(there.adopt('me', now)).toEqual([])
    renameSync(there.runsPath, there.runsPath.replace('abc-', 'abd-'))
    ofAnotherMachine(there.runsPath)
    utimesSync(there.runsPath, 1, 1)
    expect(there.adopt('me', now)).toEqual([])
    file.close()
  })

  it('are not lost where they cannot be spooled: whoever has them tries again, and others after a lease', async () => {
    await using there = await directory()
    there.file('other').write([run(1)], [], now)
    ofAnotherMachine(there.runsPath)
    utimesSync(there.runsPath, 1, 1)
    expect(there.adopt('me', now, () => false)).toEqual(['root 1 1000'])
    expect(there.adopt('third', now + leaseMillis - 1)).toEqual([])
    expect(there.adopt('me', now, () => false)).toEqual(['root 1 1000'])
    expect(there.adopt('third', now + leaseMillis + 1)).toEqual(['root 1 1000'])
    expect(there.files).toEqual([])
  })
})

describe('a process', () => {
  it('is known by more than its id, which others get later', () => {
    const own = ownIdentity()
    if (process.platform !== 'linux') {
      console.log('skipped: only Linux says when a process started')
      return
    }
    expect(own).toBeDefined()
    expect(livesOn(own!)).toBe(true)
    expect(livesOn({ ...own!, startTicks: '1' })).toBe(false)
    expect(livesOn({ ...own!, pid: 2 ** 22 + 1 })).toBe(false)
    expect(livesOn({ ...own!, space: 'elsewhere' })).toBeUndefined()
  })
})

describe('the end of an encoded span', () => {
  it.each(['protobuf', 'json'] as const)('is changed, and nothing else, in %s', (encoding) => {
    const encoder = createOtlpEncoder({ encoding })
    const span = fullSpan()
    const endUnixMillis = 1_700_000_123_456
    const expected = encoder.encodeSpan({ ...span, endTime: [1_700_000_123, 456_000_000] })!
    const changed = withEndTime(encoder.encodeSpan(span)!.bytes, encoder.contentType, endUnixMillis)
    expect(Buffer.from(changed)).toEqual(Buffer.from(expected.bytes))
  })
})

/** A provider of its own whose spans go to a spool. */
function setUp(path: string): { readonly open: (name: string) => OpenRun; readonly processor: RunspanSpanProcessor } {
  const processor = new RunspanSpanProcessor({ url: 'http://127.0.0.1:1/v1/traces', spool: { directory: path } })
  const tracerProvider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [new RunRollupProcessor(), processor],
  })
  return { open: (name) => startRun(name, { tracerProvider, startMarker: false }), processor }
}

describe('a run', () => {
  it('that ends at once, or whose spans go elsewhere, is not written down', async () => {
    using clock = useFakeClock()
    await using there = await directory()
    const { open, processor } = setUp(there.path)
    open('short').end()
    const elsewhere = startRun('elsewhere', { tracerProvider: new NodeTracerProvider() })
    clock.advance(10)
    expect(there.files.filter((name) => name.endsWith('.runs'))).toEqual([])
    const long = open('long')
    clock.advance(10)
    expect(rootsIn(there.runsPath)).toHaveLength(1)
    expect(rootsIn(there.runsPath)[0]).toContain('invoke_agent long')
    long.end()
    elsewhere.end()
    clock.advance(10)
    expect(rootsIn(there.runsPath)).toEqual([])
    processor.delivery.close()
  })

  it('that is handed off is struck out before anybody has its ref', async () => {
    using clock = useFakeClock()
    await using there = await directory()
    const { open, processor } = setUp(there.path)
    const opened = open('import')
    clock.advance(10)
    expect(rootsIn(there.runsPath)).toHaveLength(1)
    opened.handOff()
    expect(rootsIn(there.runsPath)).toEqual([])
    processor.delivery.close()
  })
})
