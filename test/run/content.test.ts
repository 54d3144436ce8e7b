import { afterEach, describe, expect, it } from 'vitest'

import { configureRunspan, joinRun, newRunId, startRun, tool, withSpan, wrapAgent } from '../../src/index.ts'
import { defaultSettings } from '../../src/run/settings.ts'
import { countsFromNow } from '../support/counts.ts'
import { recordSpans, type RecordedSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

/** A run that passes content in every way there is. */
async function passEverything(): Promise<void> {
  const search = tool('search', (query: string) => ({ found: query }))
  await wrapAgent(
    'planner',
    (run) => {
      withSpan('step', (span) => span.setInput('explicit in').setOutput('explicit out'), { type: 'chain' })
      withSpan('given', () => 'returned by a span', { input: 'given in' })
      search('an argument')
      run.spawn('researcher', { goal: 'spawned goal', metadata: { why: 'spawned' } })
      run.setMetadata({ added: 'later' })
      return 'returned by the run'
    },
    { input: { question: 'q' }, goal: 'the goal', metadata: { tier: 'gold' } },
  )
}

const content = {
  goal: 'runspan.run.goal',
  in: 'runspan.input',
  out: 'runspan.output',
  args: 'gen_ai.tool.call.arguments',
  result: 'gen_ai.tool.call.result',
  tier: 'runspan.metadata.tier',
  added: 'runspan.metadata.added',
  why: 'runspan.metadata.why',
}

const expected = {
  off: `
    invoke_agent planner
      step
      given
      execute_tool search
      invoke_agent researcher
  `,
  explicit: `
    invoke_agent planner       goal=the goal in={"question":"q"} tier=gold added=later
      step                     in="explicit in" out="explicit out"
      given                    in="given in"
      execute_tool search
      invoke_agent researcher  goal=spawned goal why=spawned
  `,
  all: `
    invoke_agent planner       goal=the goal in={"question":"q"} out="returned by the run" tier=gold added=later
      step                     in="explicit in" out="explicit out"
      given                    in="given in" out="returned by a span"
      execute_tool search      args="an argument" result={"found":"an argument"}
      invoke_agent researcher  goal=spawned goal why=spawned
  `,
}

describe('what is recorded of values', () => {
  it.each(['off', 'explicit', 'all'] as const)('with content: %s', async (capture) => {
    await using spans = recordSpans()
    configureRunspan({ content: capture })
    await passEverything()
    expectTrace(spans.text(content)).toBe(expected[capture])
  })

  it('is what the code passes, by default', async () => {
    await using spans = recordSpans()
    await passEverything()
    expectTrace(spans.text(content)).toBe(expected.explicit)
  })

  it('reaches run.input whatever is recorded', async () => {
    await using spans = recordSpans()
    configureRunspan({ content: 'off' })
    const input = { question: 'q' }
    const { result } = await wrapAgent('planner', (run) => run.input, { input })
    expect(result).toBe(input)
    expect(spans.exportedText()).not.toContain('question')
  })

  it('refuses a capture that there is not', () => {
    expect(() => configureRunspan({ content: 'some' as never })).toThrow(
      expect.objectContaining({ code: 'bad_configuration' }),
    )
  })

  it('refuses an option that there is not, so that no misspelt one is forgotten quietly', () => {
    expect(() => configureRunspan({ contents: 'off' } as never)).toThrow(
      'Failed to configure configureRunspan: it has no option contents. Did you mean content? Known are content, redact,',
    )
    expect(() => configureRunspan({})).not.toThrow()
  })
})

describe('OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT', () => {
  const variable = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT'
  const before = process.env[variable]
  afterEach(() => {
    if (before === undefined) delete process.env[variable]
    else process.env[variable] = before
  })

  it.each([
    [undefined, 'explicit'],
    ['', 'explicit'],
    ['false', 'off'],
    [' False ', 'off'],
    ['no_content', 'off'],
    ['NO_CONTENT', 'off'],
    ['true', 'all'],
    ['SPAN_ONLY', 'all'],
    ['span_and_event', 'all'],
    ['event_only', 'explicit'],
    ['nonsense', 'explicit'],
  ])('%s means %s', (value, capture) => {
    if (value === undefined) delete process.env[variable]
    else process.env[variable] = value
    expect(defaultSettings().content).toBe(capture)
  })
})

async function outputs(...values: unknown[]): Promise<readonly unknown[]> {
  await using spans = recordSpans()
  for (const value of values) startRun('planner').setOutput(value).end()
  return spans.all.map((span) => span.attributes['runspan.output'] ?? span.attributes['gen_ai.output.messages'])
}

describe('how values are written', () => {
  it('as JSON, whatever they are', async () => {
    const cyclic: Record<string, unknown> = { a: 1 }
    cyclic['self'] = cyclic
    const hostile = {
      get secret(): never {
        throw new Error('no')
      },
    }
    const prototypeless = new Proxy({ a: 1 }, { getPrototypeOf: () => hostile.secret })
    expect(
      await outputs(
        prototypeless,
        'text',
        7,
        null,
        true,
        undefined,
        7n,
        { big: 7n },
        cyclic,
        new Map([['k', 1]]),
        new Set([1]),
        hostile,
      ),
    ).toEqual([
      '"[unreadable]"',
      '"text"',
      '7',
      'null',
      'true',
      undefined,
      '"7n"',
      '{"big":"7n"}',
      '{"a":1,"self":"[circular]"}',
      '[["k",1]]',
      '[1]',
      '{"secret":"[unreadable]"}',
    ])
  })

  it('lists of messages under the key of the conventions', async () => {
    await using spans = recordSpans()
    const messages = [{ role: 'user', content: 'hi' }]
    startRun('planner', { input: messages }).setOutput(messages).end()
    withSpan('answer', (span) => span.setInput(messages).setOutput([{ role: 1 }]))
    const json = '[{"role":"user","content":"hi"}]'
    expect(spans.attributes('invoke_agent planner')).toMatchObject({
      'gen_ai.input.messages': json,
      'gen_ai.output.messages': json,
    })
    expect(spans.attributes('answer')).toMatchObject({
      'gen_ai.input.messages': json,
      'runspan.output': '[{"role":1}]',
    })
  })

  it('metadata key by key: numbers and booleans as they are, the rest as text or JSON', async () => {
    await using spans = recordSpans()
    const metadata = { n: 1.5, yes: true, text: 'plain', list: [1], object: { a: 1 }, none: undefined, odd: Number.NaN }
    startRun('planner', { metadata }).setMetadata({ n: 2, more: 'later' }).end()
    expect(
      Object.fromEntries(
        Object.entries(spans.all[0]!.attributes).filter(([key]) => key.startsWith('runspan.metadata.')),
      ),
    ).toEqual({
      'runspan.metadata.n': 2,
      'runspan.metadata.yes': true,
      'runspan.metadata.text': 'plain',
      'runspan.metadata.list': '[1]',
      'runspan.metadata.object': '{"a":1}',
      'runspan.metadata.more': 'later',
    })
  })

  it('metadata of things that cannot be read as nothing, counted', async () => {
    await using spans = recordSpans()
    const counts = countsFromNow()
    const hostile = new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('no')
        },
      },
    )
    expect(startRun('planner', { metadata: hostile }).end().status).toBe('completed')
    expect(counts()).toMatchObject({ internalErrors: 1 })
    expect(spans.all).toHaveLength(1)
  })
})

describe('conversation and user ids', () => {
  const ids = { conversation: 'gen_ai.conversation.id', user: 'user.id' }
  const given = { conversationId: 'c-1', userId: 'u-1' }

  async function work(spans: RecordedSpans): Promise<string> {
    const { runId } = await wrapAgent(
      'planner',
      async (run) => {
        withSpan('step', () => tool('search', () => {})())
        joinRun(run.ref, () => withSpan('joined step', () => {}), { name: 'part' })
        await wrapAgent('executor', () => {})
        run.spawn('researcher')
        spans.provider.getTracer('other library').startSpan('foreign', {}, undefined).end()
      },
      given,
    )
    return runId
  }

  it('are on every span of this process’s part, whoever made it, and on no other run', async () => {
    await using spans = recordSpans()
    const runId = await work(spans)
    expectTrace(spans.tree(runId, ids)).toBe(`
      invoke_agent planner       conversation=c-1 user=u-1
        step                     conversation=c-1 user=u-1
          execute_tool search    conversation=c-1 user=u-1
        part                     conversation=c-1 user=u-1
          joined step            conversation=c-1 user=u-1
        invoke_agent executor    conversation=c-1 user=u-1
        invoke_agent researcher  conversation=c-1 user=u-1
        foreign                  conversation=c-1 user=u-1
    `)
    expectTrace(
      spans.tree(
        spans.all.find((span) => span.attributes['runspan.parent_run.id'] !== undefined)!.spanContext().traceId,
        ids,
      ),
    ).toBe('invoke_agent executor')
  })

  it('are never invented', async () => {
    await using spans = recordSpans()
    await wrapAgent('planner', () => withSpan('step', () => {}))
    expect(spans.exportedText()).not.toMatch(/conversation|user\.id/)
  })

  it('do not travel: a part of a run that is open elsewhere has none', async () => {
    await using spans = recordSpans()
    const run = startRun('planner', given)
    const { runId, ...ref } = run.ref
    const json = JSON.stringify(ref)
    run.end()
    joinRun({ runId, ...ref }, () => withSpan('step', () => {}), { name: 'part' })
    expect(json).not.toMatch(/conversation|user|"c-1"|"u-1"/)
    expectTrace(spans.tree(runId, ids)).toBe(`
      invoke_agent planner  conversation=c-1 user=u-1
        part
          step
    `)
    joinRun(newRunId(), () => {})
  })

  it('are on the root without the rollup too', async () => {
    await using spans = recordSpans({ rollup: 'none' })
    const { runId } = await wrapAgent('planner', () => {}, given)
    expectTrace(spans.tree(runId, ids)).toBe('invoke_agent planner  conversation=c-1 user=u-1')
  })
})
