import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openOtlpFileReader } from '../../../src/query/readers/otlp-file/otlp-file-reader.ts'
import { otlpJson } from '../../support/otlp-json.ts'
import { describeReader } from '../reader-contract.ts'
import { idOf, root, span } from '../stored-spans.ts'

const abilities = { knowsTotals: true, listsOpenRuns: true, keepsLists: true, keepsTraceState: true }

let directory: string
let path: string
async function makeDirectory(): Promise<string> {
  directory = await mkdtemp(join(tmpdir(), 'runspan-file-'))
  return (path = join(directory, 'traces.jsonl'))
}

describeReader('a file of OTLP JSON', abilities, async (spans) => {
  const file = await makeDirectory()
  const folder = directory
  for (let at = 0; at < spans.length; at += 100) await appendFile(file, `${otlpJson(spans.slice(at, at + 100))}\n`)
  const reader = await openOtlpFileReader(file)
  return {
    reader,
    async [Symbol.asyncDispose]() {
      await reader.close()
      await rm(folder, { recursive: true })
    },
  }
})

describe('openOtlpFileReader', () => {
  beforeEach(makeDirectory)
  afterEach(() => rm(directory, { recursive: true }))

  it('sees lines that are added, and a line once it is whole', async () => {
    await writeFile(path, `${otlpJson([root(idOf('a1'))])}\n`)
    await using reader = await openOtlpFileReader(path)
    const line = otlpJson([root(idOf('a2'))])
    await appendFile(path, line.slice(0, 50))
    expect((await reader.listRuns()).total).toBe(1)
    await appendFile(path, `${line.slice(50)}\n`)
    expect((await reader.listRuns()).total).toBe(2)
    expect(reader.damagedLineCount).toBe(0)
  })

  it('goes on with the file that takes the place of another', async () => {
    await writeFile(path, `${otlpJson([root(idOf('a1')), span(idOf('a1'))])}\n`)
    await using reader = await openOtlpFileReader(path)
    expect((await reader.listRuns()).total).toBe(1)
    await rename(path, `${path}.1`)
    await writeFile(path, `${otlpJson([root(idOf('a2'))])}\n`)
    expect((await reader.listRuns()).total).toBe(2)
  })

  it('leaves damaged lines out and counts them, and passes over logs, metrics and empty lines', async () => {
    const lines = [
      '{"resourceSpans": [{',
      '{"resourceLogs":[]}',
      '',
      '{"resourceMetrics":[]}',
      'null',
      otlpJson([root(idOf('a1'))]),
    ]
    await writeFile(path, `${lines.join('\n')}\n`)
    await using reader = await openOtlpFileReader(path)
    expect((await reader.listRuns()).total).toBe(1)
    expect(reader.damagedLineCount).toBe(2)
  })

  it('reads a file of one request that ends without a line break', async () => {
    await writeFile(path, otlpJson([root(idOf('a1'))]))
    await using reader = await openOtlpFileReader(path)
    expect((await reader.listRuns()).total).toBe(1)
  })

  it('reads lines that are longer than what is read at once', async () => {
    const filler = 'x'.repeat(700_000)
    const spans = ['a1', 'a2', 'a3'].map((pair) => root(idOf(pair), { attributes: { filler } }))
    await writeFile(path, `${otlpJson(spans)}\n${otlpJson([root(idOf('a4'))])}\n`)
    await using reader = await openOtlpFileReader(path)
    expect((await reader.listRuns()).total).toBe(4)
  })

  it('refuses a file that is not there', async () => {
    await expect(openOtlpFileReader(join(directory, 'nowhere'))).rejects.toMatchObject({ code: 'bad_configuration' })
  })
})
