import { describe, expect, it } from 'vitest'

import { systemClock } from '../../../src/internal/clock.ts'
import { openReader } from '../../../src/query/readers/open-reader.ts'
import { spanset } from '../../../src/query/readers/tempo/trace-ql.ts'
import { createTempoReader } from '../../../src/query/readers/tempo/tempo-reader.ts'
import type { RunFilter } from '../../../src/query/run-filter.ts'
import type { RunReader } from '../../../src/query/run-reader.ts'
import { startTempoStandIn } from '../../support/tempo-stand-in.ts'
import { at, idOf, root } from '../stored-spans.ts'

/** Soon after the spans, and at no whole second. */
const soonAfter = { ...systemClock, nowUnixMillis: () => Number(at(60_123) / 1_000_000n) }

describe('createTempoReader', () => {
  it('says that Tempo gave a part of a trace only', async () => {
    await using tempo = await startTempoStandIn([root(idOf('a1'))], true)
    expect((await createTempoReader(tempo.url).getRun(idOf('a1')))?.flags).toEqual(['truncated'])
  })

  it('says that a search found as much as it may', async () => {
    await using tempo = await startTempoStandIn(['a1', 'a2', 'a3'].map((pair) => root(idOf(pair))))
    const list = async (searchLimit: number): Promise<readonly string[]> =>
      (await createTempoReader(tempo.url, { searchLimit }, soonAfter).listRuns()).flags
    expect(await list(4)).toEqual([])
    expect(await list(2)).toEqual(['cut'])
  })

  it('asks for no longer a time at once than Tempo takes, a week', async () => {
    await using tempo = await startTempoStandIn([root(idOf('a1')), root(idOf('a2'), { from: -20 * 86_400_000 })])
    expect(await runIds(createTempoReader(tempo.url, {}, soonAfter))).toEqual([idOf('a1')])
    const monthMillis = 30 * 86_400_000
    const both = [idOf('a1'), idOf('a2')]
    expect(await runIds(createTempoReader(tempo.url, { lookbackMillis: monthMillis }, soonAfter))).toEqual(both)
    // Refused: what Tempo takes can be another time than the option says.
    const inOneGo = createTempoReader(tempo.url, { lookbackMillis: monthMillis, windowMillis: monthMillis }, soonAfter)
    await expect(inOneGo.listRuns()).rejects.toMatchObject({ code: 'store_unavailable' })
    const start = Number(at(0) / 1_000_000n)
    expect(await runIds(inOneGo, { fromUnixMillis: start, toUnixMillis: start + 1 })).toEqual([idOf('a1')])
  })

  it('is what an address of Tempo is opened with', async () => {
    await using tempo = await startTempoStandIn([root(idOf('a1'))])
    await using reader = await openReader(tempo.url)
    expect(reader.name).toBe(`Tempo at ${tempo.url}`)
  })

  it('quotes what is asked for', () => {
    expect(spanset({ 'span.a': 'say "hi" \\ o\nk', 'span.b': undefined })).toBe(
      String.raw`{ span.a = "say \"hi\" \\ o\nk" } with (most_recent=true)`,
    )
  })
})

async function runIds(reader: RunReader, filter?: RunFilter): Promise<readonly string[]> {
  return (await reader.listRuns(filter)).items.map(({ runId }) => runId)
}
