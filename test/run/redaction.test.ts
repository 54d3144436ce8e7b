import { describe, expect, it } from 'vitest'

import {
  configureRunspan,
  currentRun,
  joinRun,
  llm,
  newRunId,
  recordFeedback,
  recordLlmCall,
  recordToolCall,
  startRun,
  tool,
  withSpan,
  wrapAgent,
} from '../../src/index.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans } from '../support/record-spans.ts'

const secret = 'canary-4711'
const leak = new Error(`message ${secret}`)
leak.stack = `Error: ${secret}\n    at ${secret}`

/** Passes the secret along every way that content takes. */
async function leakEverywhere(): Promise<void> {
  const failing = tool('failing', (argument: string) => {
    throw new TypeError(`${argument} in a tool`)
  })
  const fine = tool('fine', (argument: string) => ({ result: argument }))
  await wrapAgent(
    'planner',
    async (run) => {
      run.setMetadata({ text: secret, object: { nested: [secret] } }).setOutput([secret])
      run.event('noticed', { what: secret, list: [secret], count: 1 })
      withSpan('step', (span) =>
        span.setInput({ secret }).setOutput(secret).event('noticed', { what: secret }).setError(leak),
      )
      fine(secret)
      try {
        failing(secret)
      } catch {
        // The tool's failure is on its span.
      }
      await llm('answer', (prompt: string) => Promise.resolve({ text: prompt }))(secret)
      recordLlmCall({ model: 'm', provider: 'openai', input: secret, output: secret, error: leak })
      recordToolCall({ name: 'found', input: secret, output: secret, error: secret })
      run.spawn('researcher', { goal: secret, metadata: { why: secret } })
      for (const status of ['failed', 'cancelled', 'timeout'] as const) {
        joinRun(run.ref, () => currentRun()!.setStatus(status, secret).runId)
        await wrapAgent('child', (child) => child.setStatus(status, secret).runId)
      }
      await wrapAgent('child', () => Promise.reject(leak)).catch(() => {})
      await wrapAgent('child', () => Promise.reject(new DOMException(secret, 'AbortError'))).catch(() => {})
      joinRun(
        newRunId(),
        () => {
          throw leak
        },
        { input: secret, name: 'part' },
      )
    },
    { input: { question: secret }, goal: secret, metadata: { tier: secret } },
  ).catch((error: unknown) => expect(error).toBe(leak))
  recordFeedback(newRunId(), { comment: secret, score: 1 })
  startRun('import').end({ error: { code: secret, message: secret }, output: secret, metadata: { why: secret } })
}

describe('the one redaction point', () => {
  it('sees every text that may hold content: no hit in what is exported', async () => {
    await using spans = recordSpans()
    configureRunspan({ content: 'all', redact: (text) => text.replaceAll(secret, '•') })
    await leakEverywhere()
    expect(spans.exportedText()).toContain('•')
    expect(spans.exportedText().split(secret)).toHaveLength(1)
  })

  it('is needed: without it there are many hits', async () => {
    await using spans = recordSpans()
    configureRunspan({ content: 'all' })
    await leakEverywhere()
    expect(spans.exportedText().split(secret).length).toBeGreaterThan(40)
  })

  it('is told where the text will stand', async () => {
    await using spans = recordSpans()
    const keys = new Set<string>()
    configureRunspan({
      content: 'all',
      redact(text, site) {
        keys.add(site.key)
        return text
      },
    })
    await leakEverywhere()
    expect([...keys].toSorted()).toEqual([
      'exception.message',
      'exception.stacktrace',
      'gen_ai.evaluation.explanation',
      'gen_ai.tool.call.arguments',
      'gen_ai.tool.call.result',
      'list',
      'runspan.end_reason',
      'runspan.input',
      'runspan.metadata.object',
      'runspan.metadata.text',
      'runspan.metadata.tier',
      'runspan.metadata.why',
      'runspan.output',
      'runspan.run.goal',
      'runspan.run.status_reason',
      'status.message',
      'what',
    ])
    expect(spans.exportedText()).toContain(secret)
  })

  it.each([
    [
      'throws',
      (): never => {
        throw leak
      },
    ],
    ['returns no text', (): string => undefined as never],
  ])('leaves the value out, counted, where it %s', async (_how, redact) => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    configureRunspan({ content: 'all', redact })
    await leakEverywhere()
    expect(spans.exportedText()).not.toContain(secret)
    expect(counts().redactionErrors).toBeGreaterThan(30)
    expect(counts()).not.toHaveProperty('internalErrors')
    const root = spans.all.find((span) => span.name === 'invoke_agent planner')!
    expect(root.attributes).toMatchObject({ 'runspan.run.status': 'failed', 'error.type': 'Error' })
  })

  it('is not asked about content that is switched off', async () => {
    await using spans = recordSpans()
    const seen = new Set<string>()
    configureRunspan({
      content: 'off',
      redact(text, site) {
        seen.add(site.key)
        return text.replaceAll(secret, '•')
      },
    })
    await leakEverywhere()
    expect([...seen].filter((key) => /input|output|metadata|goal|arguments|result|explanation/.test(key))).toEqual([])
    expect(spans.exportedText()).not.toContain(secret)
  })

  it('refuses what is no function', () => {
    expect(() => configureRunspan({ redact: 'x' as never })).toThrow(
      expect.objectContaining({ code: 'bad_configuration' }),
    )
  })
})
