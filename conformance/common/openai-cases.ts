import type { OpenAI } from 'openai'

import type { LedgerEntry } from '../../examples/model-server/ledger.ts'
import type { Case, Kit } from '../harness/producer.ts'
import { withGaps, type Gaps } from './gaps.ts'
import { longSystem, question } from './texts.ts'

/** Makes a client for the model server, traced as the producer does it. */
type MakeClient = (options: {
  readonly baseURL: string
  readonly apiKey: string
  readonly fetch?: typeof fetch
}) => OpenAI

const model = 'gpt-4.1-mini'
const system = { role: 'system', content: longSystem } as const
const user = { role: 'user', content: question } as const
const messages = [user]

const untoldStream = {
  is: ({ usageSent }: LedgerEntry) => !usageSent,
  because: 'OpenAI says the usage of a stream only where `include_usage` asks for it.',
}
const untoldAbort = {
  is: ({ usageSent }: LedgerEntry) => !usageSent,
  because: 'OpenAI says the usage at the end of a stream. Who hangs up before does not learn it.',
}

/** Everything `openai` does that costs something. */
export function openAiCases(makeClient: MakeClient, gaps: Gaps = {}): readonly Case[] {
  const client = ({ baseUrl, fetching }: Kit) => makeClient({ baseURL: baseUrl, apiKey: 'none', ...fetching })
  const complete = (kit: Kit, options: object = {}) =>
    client(kit).chat.completions.create({ model, messages, ...options, stream: false })
  const stream = async (kit: Kit, options: object = {}) => {
    const pieces = await client(kit).chat.completions.create({ model, messages, ...options, stream: true })
    for await (const piece of pieces) void piece
  }
  const withUsage = { stream_options: { include_usage: true } }

  const chat: readonly Case[] = [
    { title: 'chat completion', run: (kit) => complete(kit) },
    { title: 'chat completion, a stream with `include_usage`', run: (kit) => stream(kit, withUsage) },
    {
      title: 'chat completion, a stream without `include_usage`',
      untold: untoldStream,
      run: (kit) => stream(kit),
    },
    { title: 'chat completion, steps with tools', run: converse },
    {
      title: 'chat completions with a cached prompt',
      run: async (kit) => {
        for (const content of ['Who was first?', 'Who was last?']) {
          await complete(kit, { messages: [system, { role: 'user', content }] })
        }
      },
    },
    { title: 'chat completion, a model that reasons', run: (kit) => complete(kit, { model: 'gpt-5-mini' }) },
    {
      title: 'six chat completions at once, half of them streams',
      run: (kit) =>
        Promise.all(
          Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? complete(kit) : stream(kit, withUsage))),
        ),
    },
    {
      title: 'chat completion, refused twice, then answered',
      refused: [429, 500],
      run: (kit) => complete(kit),
    },
    {
      title: 'chat completion, refused for good',
      refused: [429, 429, 429],
      failed: { calls: 1 },
      run: async (kit) => {
        const answered = await complete(kit).then(
          () => true,
          () => false,
        )
        if (answered) throw new Error('a refused call was answered')
      },
    },
    {
      title: 'chat completion, a stream that is aborted',
      hangsUpAfter: 2,
      untold: untoldAbort,
      run: async (kit) => {
        const long = [{ role: 'user' as const, content: longSystem.replaceAll('\n', ' ') }]
        const pieces = await client(kit).chat.completions.create({
          model,
          messages: long,
          stream: true,
          ...withUsage,
        })
        for await (const piece of pieces) {
          if (piece.choices[0]?.delta.content) break
        }
      },
    },
  ]
  const embeddings: readonly Case[] = [
    {
      title: 'embeddings',
      run: (kit) => client(kit).embeddings.create({ model: 'text-embedding-3-small', input: [question, longSystem] }),
    },
  ]
  const respond = (kit: Kit, options: object = {}) =>
    client(kit).responses.create({ model, input: question, store: false, ...options, stream: false })
  const responses: readonly Case[] = [
    { title: 'response', run: (kit) => respond(kit) },
    {
      title: 'response, a stream',
      run: async (kit) => {
        const events = await client(kit).responses.create({ model, input: question, store: false, stream: true })
        for await (const event of events) void event
      },
    },
    { title: 'response, a model that reasons', run: (kit) => respond(kit, { model: 'gpt-5-mini' }) },
    {
      title: 'responses with a cached prompt',
      run: async (kit) => {
        for (const input of ['Who was first?', 'Who was last?']) await respond(kit, { instructions: longSystem, input })
      },
    },
  ]
  return withGaps([...chat, ...embeddings, ...responses], gaps)

  /** The loop that everybody writes around a client: the model asks for tools until it is content. */
  async function converse(kit: Kit): Promise<void> {
    const openai = client(kit)
    const said: OpenAI.ChatCompletionMessageParam[] = [system, user]
    for (;;) {
      const { choices } = await openai.chat.completions.create({ model, messages: said, tools: [searchTool] })
      const message = choices[0]?.message
      if (message === undefined) throw new Error('the model did not answer')
      said.push(message)
      if (message.tool_calls === undefined) return
      for (const call of message.tool_calls) {
        const { query } = JSON.parse(call.type === 'function' ? call.function.arguments : '{}') as { query: string }
        said.push({ role: 'tool', tool_call_id: call.id, content: kit.search(query) })
      }
    }
  }
}

const searchTool = {
  type: 'function',
  function: {
    name: 'search',
    description: 'Searches the library.',
    parameters: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
  },
} as const
