import type { Anthropic } from '@anthropic-ai/sdk'

import type { LedgerEntry } from '../../examples/model-server/ledger.ts'
import type { Case, Kit } from '../harness/producer.ts'
import { withGaps, type Gaps } from './gaps.ts'
import { longSystem, question } from './texts.ts'

/** Makes a client for the model server, traced as the producer does it. */
type MakeClient = (options: {
  readonly baseURL: string
  readonly apiKey: string
  readonly fetch?: typeof fetch
}) => Anthropic

const model = 'claude-sonnet-4-5'
const max_tokens = 1000
const user = { role: 'user', content: question } as const

/** Asks twice with a prompt that is to be kept in a cache. */
async function twice(ask: (options: object) => Promise<unknown>, ttl: '5m' | '1h'): Promise<void> {
  const system = [{ type: 'text', text: longSystem, cache_control: { type: 'ephemeral', ttl } }]
  await ask({ system })
  await ask({ system, messages: [{ role: 'user', content: 'And what ends one?' }] })
}

/** Everything `@anthropic-ai/sdk` does that costs something. */
export function anthropicCases(makeClient: MakeClient, gaps: Gaps = {}): readonly Case[] {
  const client = ({ origin, fetching }: Kit) => makeClient({ baseURL: origin, apiKey: 'none', ...fetching })
  const create = (kit: Kit, options: object = {}) =>
    client(kit).messages.create({ model, max_tokens, messages: [user], ...options, stream: false })
  const stream = async (kit: Kit, options: object = {}) => {
    const events = await client(kit).messages.create({ model, max_tokens, messages: [user], ...options, stream: true })
    for await (const event of events) void event
  }

  const cases: readonly Case[] = [
    { title: 'message', run: (kit) => create(kit) },
    { title: 'message, a stream', run: (kit) => stream(kit) },
    {
      title: 'message, `messages.stream`',
      run: (kit) =>
        client(kit)
          .messages.stream({ model, max_tokens, messages: [user] })
          .finalMessage(),
    },
    { title: 'message, steps with tools and a cache', run: converse },
    { title: 'cache written for 5 minutes, then read', run: (kit) => twice((options) => create(kit, options), '5m') },
    { title: 'cache written for an hour, then read', run: (kit) => twice((options) => create(kit, options), '1h') },
    { title: 'streams from a cache', run: (kit) => twice((options) => stream(kit, options), '5m') },
    {
      title: 'six messages at once, half of them streams',
      run: (kit) => Promise.all(Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? create(kit) : stream(kit)))),
    },
    { title: 'message, refused twice, then answered', refused: [429, 529], run: (kit) => create(kit) },
    {
      title: 'message, refused for good',
      refused: [429, 429, 429],
      failed: { calls: 1 },
      run: async (kit) => {
        const answered = await create(kit).then(
          () => true,
          () => false,
        )
        if (answered) throw new Error('a refused call was answered')
      },
    },
    {
      title: 'message, a stream that is aborted',
      hangsUpAfter: 3,
      untold: {
        is: ({ usageSent }: LedgerEntry) => !usageSent,
        because: 'Anthropic says the output of a stream at its end. Who hangs up before does not learn it.',
      },
      run: async (kit) => {
        const messages = [{ role: 'user' as const, content: longSystem.replaceAll('\n', ' ') }]
        const events = await client(kit).messages.create({ model, max_tokens, messages, stream: true })
        for await (const event of events) {
          if (event.type === 'content_block_delta') break
        }
      },
    },
  ]
  return withGaps(cases, gaps)

  /** The loop that everybody writes around a client, with the cache mark moving on. */
  async function converse(kit: Kit): Promise<void> {
    const anthropic = client(kit)
    const messages: Anthropic.MessageParam[] = [user]
    const system = [{ type: 'text', text: longSystem, cache_control: { type: 'ephemeral' } } as const]
    for (;;) {
      const answer = await anthropic.messages.create({ model, max_tokens, system, messages, tools: [searchTool] })
      messages.push({ role: 'assistant', content: answer.content })
      const calls = answer.content.filter((block) => block.type === 'tool_use')
      if (calls.length === 0) return
      messages.push({
        role: 'user',
        content: calls.map(({ id, input }) => ({
          type: 'tool_result',
          tool_use_id: id,
          content: kit.search((input as { query: string }).query),
          cache_control: { type: 'ephemeral' },
        })),
      })
    }
  }
}

const searchTool: Anthropic.Tool = {
  name: 'search',
  description: 'Searches the library.',
  input_schema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
}
