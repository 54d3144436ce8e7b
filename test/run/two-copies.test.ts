import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import * as first from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace, links } from '../support/trace-text.ts'

let folder = ''
let second: typeof first

beforeAll(async () => {
  // What an application gets whose framework brings a Runspan of its own.
  folder = await mkdtemp(join(tmpdir(), 'runspan-copy-'))
  await cp(fileURLToPath(new URL('../../src', import.meta.url)), join(folder, 'src'), { recursive: true })
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
  second = (await import(pathToFileURL(join(folder, 'src/index.ts')).href)) as typeof first
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const parent = 'runspan.parent_run.id'

describe('two copies in one process', () => {
  it('are two copies', () => {
    expect(second.wrapAgent).not.toBe(first.wrapAgent)
    expect(second.RunspanError).not.toBe(first.RunspanError)
  })

  it('are found by doctor', async () => {
    await using _ = recordSpans()
    expect((await first.doctor()).map(({ code }) => code)).toContain('two_copies')
  })

  it('share the context: one finds itself in the run of the other', async () => {
    await using spans = recordSpans()
    const { runId, result } = await first.wrapAgent('planner', async (run) => {
      second.withSpan('step of the other', () => first.withSpan('step', () => {}))
      second.currentSpan().setAttribute('set', 'by the other')
      const child = await second.wrapAgent('child', () => second.currentRunId())
      return {
        same: second.currentRun() === run,
        headers: JSON.stringify(second.propagationHeaders()) === JSON.stringify(first.propagationHeaders()),
        child: child.runId === child.result,
      }
    })
    expect(result).toEqual({ same: true, headers: true, child: true })
    expectTrace(
      spans.text({ links, isChild: (span) => (span.attributes[parent] === runId ? true : undefined), set: 'set' }),
    ).toBe(`
        invoke_agent planner    set=by the other
          step of the other
            step
          invoke_agent child    links=parent
        invoke_agent child      links=parent isChild=true
      `)
  })

  it('share the generator: an id chosen through one is kept by the generator of the other', async () => {
    await using spans = recordSpans({ generator: new second.RunIdGenerator() })
    const runId = first.newRunId()
    expect((await first.wrapAgent('planner', () => {}, { runId })).runId).toBe(runId)
    expect(() => first.configureRunspan({ strict: true })).not.toThrow()
    expect(() => second.configureRunspan({ strict: true })).not.toThrow()
    expect(spans.root(runId).spanContext().spanId).toBe(runId.slice(16))
  })

  it('share the registry: one ends, joins and recognises runs of the other', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const run = first.startRun('import')
    second.joinRun(run.runId, () => second.recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 5 }))
    expect(second.endRun(run.runId, { output: 'by the other' })).toBe(true)
    expect(first.endRun(run)).toBe(false)
    const again = await second.wrapAgent('import', () => {}, { runId: run.runId })
    expect(again.runId).not.toBe(run.runId)
    expect(counts()).toMatchObject({ runIdsRepeated: 1, runsEnded: 2, endsIgnored: 1, segmentsStarted: 1 })
    expect(second.stats()).toEqual(first.stats())
    const handedOff = first.startRun('handed off').handOff()
    expect(second.endRun(handedOff)).toBe(true)
    expectTrace(spans.tree(run.runId, { in: 'runspan.usage.input_tokens', own: 'runspan.segment.local' })).toBe(`
      invoke_agent import    in=5
        join                 in=5 own=true
          chat m
    `)
  })

  it('count every call once, also where both have a rollup in the provider', async () => {
    await using spans = recordSpans({ processors: [new second.RunRollupProcessor()] })
    const { ended } = await second.wrapAgent('planner', () => {
      first.recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 5 })
      second.recordLlmCall({ model: 'm', provider: 'openai', inputTokens: 7 })
    })
    expect((await ended).totals).toMatchObject({ inputTokens: 12, llmCalls: 2, spans: 3 })
    expect(spans.span('invoke_agent planner').attributes['runspan.usage.input_tokens']).toBe(12)
  })

  it('share settings, errors and what is known of thrown errors', async () => {
    await using spans = recordSpans()
    second.configureRunspan({ content: 'off' })
    await first.wrapAgent('planner', () => {}, { input: 'secret' })
    expect(spans.exportedText()).not.toContain('secret')
    const thrown = new Error('mine')
    let runId = ''
    await first
      .wrapAgent('planner', (run) => {
        runId = run.runId
        throw thrown
      })
      .catch(() => {})
    expect([first.runIdOf(thrown), second.runIdOf(thrown)]).toEqual([runId, runId])
    let bad: unknown
    try {
      first.configureRunspan({ abandonAfterMillis: -1 })
    } catch (error) {
      bad = error
    }
    expect(second.RunspanError.is(bad)).toBe(true)
  })
})
