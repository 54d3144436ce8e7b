import { StringOutputParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { ChatOpenAI, OpenAIEmbeddings, type ChatOpenAIFields } from '@langchain/openai'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'

import type { Case, Kit } from '../harness/producer.ts'
import { withGaps, type Gaps } from './gaps.ts'
import { longSystem, question } from './texts.ts'

/** Everything LangChain and LangGraph do that costs something. */
export function langChainCases(gaps: Gaps = {}): readonly Case[] {
  const cases: readonly Case[] = [
    { title: 'a call of the model', run: (kit) => chat(kit).invoke(question) },
    { title: 'a stream', run: (kit) => readAll(chat(kit).stream(question)) },
    {
      title: 'a call through the Responses API',
      run: (kit) => chat(kit, { useResponsesApi: true, zdrEnabled: true }).invoke(question),
    },
    { title: 'a model that reasons', run: (kit) => chat(kit, { model: 'gpt-5-mini' }).invoke(question) },
    { title: 'a chain', run: (kit) => chain(kit).invoke({ question }) },
    {
      title: 'a chain with a cached prompt',
      run: async (kit) => {
        for (const asked of ['Who was first?', 'Who was last?'])
          await chain(kit, longSystem).invoke({ question: asked })
      },
    },
    {
      title: 'an agent with tools',
      run: (kit) => agent(kit).invoke({ messages: [{ role: 'user', content: question }] }),
    },
    {
      title: 'an agent with tools, a stream',
      run: (kit) => readAll(agent(kit).stream({ messages: [{ role: 'user', content: question }] })),
    },
    {
      title: 'an agent that delegates to another',
      run: (kit) => delegating(kit).invoke({ messages: [{ role: 'user', content: question }] }),
    },
    {
      title: 'six calls at once',
      run: (kit) =>
        chain(kit).batch(
          Array.from({ length: 6 }, (_, index) => ({ question: `${question} For the ${index}th time.` })),
        ),
    },
    {
      title: 'refused once, then answered',
      refused: [500],
      run: (kit) => chat(kit).invoke(question),
    },
    {
      title: 'an agent that is refused for good',
      refused: [400],
      failed: { calls: 1 },
      run: async (kit) => {
        const messages = [{ role: 'user', content: question }]
        const answered = await agent(kit)
          .invoke({ messages })
          .then(
            () => true,
            () => false,
          )
        if (answered) throw new Error('a refused call was answered')
      },
    },
    {
      title: 'embeddings',
      run: ({ baseUrl, fetching }) =>
        new OpenAIEmbeddings({
          model: 'text-embedding-3-small',
          apiKey: 'none',
          configuration: { baseURL: baseUrl, ...fetching },
        }).embedDocuments([question, longSystem]),
    },
  ]
  return withGaps(cases, gaps)
}

/** Agents that nobody wrapped: the framework's own topmost span stands for the run. */
export function unwrappedLangChainCases(): readonly Case[] {
  const messages = [{ role: 'user', content: question }]
  return [
    { title: 'unwrapped: a chain', adopted: true, run: (kit) => chain(kit).invoke({ question }) },
    { title: 'unwrapped: an agent with tools', adopted: true, run: (kit) => agent(kit).invoke({ messages }) },
    {
      title: 'unwrapped: an agent with tools, a stream',
      adopted: true,
      run: (kit) => readAll(agent(kit).stream({ messages })),
    },
    {
      title: 'unwrapped: an agent that delegates to another',
      adopted: true,
      run: (kit) => delegating(kit).invoke({ messages }),
    },
    {
      title: 'unwrapped: an agent with tools, below a server’s span',
      adopted: true,
      below: 'server',
      run: (kit) => agent(kit).invoke({ messages }),
    },
  ]
}

function chat({ baseUrl, fetching }: Kit, options: ChatOpenAIFields = {}): ChatOpenAI {
  return new ChatOpenAI({
    model: 'gpt-4.1-mini',
    apiKey: 'none',
    streamUsage: true,
    maxRetries: 2,
    configuration: { baseURL: baseUrl, ...fetching },
    ...options,
  })
}

function chain(kit: Kit, system = 'Answer in few words.') {
  const prompt = ChatPromptTemplate.fromMessages([
    ['system', system],
    ['user', '{question}'],
  ])
  return prompt.pipe(chat(kit)).pipe(new StringOutputParser())
}

function agent(kit: Kit) {
  const search = tool(({ query }) => kit.search(query), {
    name: 'search',
    description: 'Searches the library.',
    schema: z.object({ query: z.string() }),
  })
  return createAgent({ model: chat(kit), tools: [search], name: 'librarian', systemPrompt: longSystem })
}

/** A supervisor whose one tool is another agent. */
function delegating(kit: Kit) {
  const delegate = tool(
    async ({ task }) => {
      kit.toolRan()
      const { messages } = await agent(kit).invoke({ messages: [{ role: 'user', content: task }] })
      return messages.at(-1)!.text
    },
    { name: 'delegate', description: 'Asks a librarian.', schema: z.object({ task: z.string() }) },
  )
  return createAgent({
    model: chat(kit),
    tools: [delegate],
    name: 'supervisor',
    systemPrompt: 'Delegate every question.',
  })
}

async function readAll(stream: Promise<AsyncIterable<unknown>>): Promise<void> {
  for await (const piece of await stream) void piece
}
