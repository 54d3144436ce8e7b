import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, vi } from 'vitest'

import type { DeliveryOptions, SpoolOptions } from '../../../src/export/index.ts'
import { useFakeClock, type FakeClock } from '../../support/fake-clock.ts'

export const MiB = 1024 * 1024

/** The clock of the test that runs. */
export let clock: FakeClock
/** Where the test that runs has its spools. */
export let directory: string

/** Gives each test of a file a clock and an empty directory, and keeps the warnings to itself that spools give. */
export function useSpoolDirectory(): void {
  beforeEach(() => {
    clock = useFakeClock()
    directory = mkdtempSync(join(tmpdir(), 'runspan-spool-'))
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  })
  afterEach(() => {
    clock[Symbol.dispose]()
    rmSync(directory, { recursive: true, force: true })
    vi.restoreAllMocks()
  })
}

/** Little memory, and a spool for the rest. */
export function spooling(url: string, spool: Partial<SpoolOptions> = {}): DeliveryOptions {
  return { url, maxQueueSizeBytes: MiB, spool: { directory, ...spool } }
}
