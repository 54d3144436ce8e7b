import { describe, expect, it } from 'vitest'

import { openReader } from '../../../src/query/readers/open-reader.ts'
import { spanset } from '../../../src/query/readers/tempo/trace-ql.ts'
import { createTempoReader } from '../../../src/query/readers/tempo/tempo-reader.ts'
import { startTempoStandIn } from '../../support/tempo-stand-in.ts'
import { idOf, root } from '../stored-spans.ts'

const tenYearsMillis = 10 * 365 * 86_400_000
const allTime = { lookbackMillis: tenYearsMillis, windowMillis: tenYearsMillis }

describe('createTempoReader', () => {
  it('says that Tempo gave a part of a trace only', async () => {
    await using tempo = await startTempoStandIn([root(idOf('a1'))], true)
    expect((await createTempoReader(tempo.url).getRun(idOf('a1')))?.flags).toEqual(['truncated'])
  })

  it('says that a search found as much as it may', async () => {
    await using tempo = await startTempoStandIn(['a1', 'a2', 'a3'].map((pair) => root(idOf(pair))))
    const list = async (searchLimit: number): Promise<readonly string[]> =>
      (await createTempoReader(tempo.url, { ...allTime, searchLimit }).listRuns()).flags
    expect(await list(4)).toEqual([])
    expect(await list(2)).toEqual(['cut'])
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
