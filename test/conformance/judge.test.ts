import { SpanKind, trace, type Attributes } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'

import { llmFetch, wrapAgent } from '../../src/index.ts'
import { stats } from '../../src/run/stats.ts'
import { recordSpans } from '../support/record-spans.ts'

// By name: what these modules know of packages that are installed apart, the project's own type check does not.
const harness = new URL('../../conformance/harness/', import.meta.url)
const { runCase } = (await import(new URL('run-case.ts', harness).href)) as {
  runCase: (producer: object, one: object, recorder: object, runspan: object) => Promise<{ problems: string[] }>
}
const { Recorder } = (await import(new URL('recorder.ts', harness).href)) as { Recorder: new () => never }

interface Answer {
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number }
}

/** What the judge says of a producer that calls a model and reports what it makes of the usage. */
async function problemsOf(report: (usage: Answer['usage']) => Attributes, more: object = {}): Promise<string[]> {
  const recorder = new Recorder()
  await using recorded = recordSpans({ processors: [recorder] })
  const run = async ({ baseUrl }: { readonly baseUrl: string }): Promise<void> => {
    const span = trace.getTracer('test').startSpan('chat', { kind: SpanKind.CLIENT })
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer none', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'What is a span?' }] }),
    })
    const { usage } = (await response.json()) as Answer
    span.setAttributes({ 'gen_ai.operation.name': 'chat', 'gen_ai.response.model': 'gpt-4.1-mini', ...report(usage) })
    span.end()
  }
  const one = { title: 'a call', run, ...more }
  const producer = { title: 'test', packages: [], showsTools: false, start() {}, cases: [one] }
  const { problems } = await runCase(producer, one, recorder, { wrapAgent, stats, llmFetch })
  if (problems.length === 0) expect(recorded.all.map(({ name }) => name)).toEqual(['invoke_agent a call', 'chat'])
  // The last is a drawing of the spans.
  return problems.slice(0, -1)
}

const honest = ({ prompt_tokens, completion_tokens }: Answer['usage']): Attributes => ({
  'gen_ai.usage.input_tokens': prompt_tokens,
  'gen_ai.usage.output_tokens': completion_tokens,
})
const fails = (): Promise<never> => Promise.reject(new Error('no'))
const silent = (): Attributes => ({})

describe('the judge of the conformance suite', () => {
  it('has nothing to say where the totals are the bill', async () => {
    expect(await problemsOf(honest)).toEqual([])
  })

  it('names every number that is not the bill’s', async () => {
    const problems = await problemsOf((usage) => honest({ ...usage, prompt_tokens: usage.prompt_tokens * 2 }))
    expect(problems).toEqual([
      'input: billed 13, Runspan says 26',
      'nanoUsd: billed 13200, Runspan says 18400',
      'no note says why numbers are missing',
    ])
  })

  it('wants a call counted as unpriced whose usage nobody says, and a reason', async () => {
    expect(await problemsOf(silent)).toContain('unpriced: billed 0, Runspan says 1')
    const untold = { is: () => true, because: 'It says nothing.' }
    expect(await problemsOf(silent, { untold })).toEqual([])
  })

  it('does not take a reason for a number that is there', async () => {
    const untold = { is: () => true, because: 'It says nothing.' }
    expect(await problemsOf(honest, { untold })).toContain('a note names a number, and none is missing')
  })

  it('notices spans that never end', async () => {
    let span
    const leaves = (usage: Answer['usage']): Attributes => {
      span = trace.getTracer('test').startSpan('left open')
      return honest(usage)
    }
    expect(await problemsOf(leaves)).toContain('1 spans never ended')
    expect(span).toBeDefined()
  })

  it('notices a case that fails', async () => {
    expect(await problemsOf(honest, { run: fails })).toEqual([expect.stringContaining('the case failed: Error: no')])
  })
})
