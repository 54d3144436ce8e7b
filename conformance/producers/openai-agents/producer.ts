import { OpenAIAgentsInstrumentation } from '@arizeai/openinference-instrumentation-openai-agents'
import * as agents from '@openai/agents'
import OpenAI from 'openai'
import { z } from 'zod'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Case, Kit, Producer } from '../../harness/producer.ts'
import { longSystem, question } from '../../common/texts.ts'

type Api = 'responses' | 'chat_completions'

function runner({ baseUrl: baseURL }: Kit, api: Api = 'responses'): agents.Runner {
  const openAIClient = new OpenAI({ baseURL, apiKey: 'none' })
  return new agents.Runner({
    modelProvider: new agents.OpenAIProvider({ openAIClient, useResponses: api === 'responses' }),
    modelSettings: { store: false },
  })
}

function librarian(kit: Kit): agents.Agent {
  const search = agents.tool({
    name: 'search',
    description: 'Searches the library.',
    parameters: z.object({ query: z.string() }),
    execute: ({ query }) => kit.search(query),
  })
  return new agents.Agent({ name: 'librarian', instructions: longSystem, model: 'gpt-4.1-mini', tools: [search] })
}

function plain(model = 'gpt-4.1-mini'): agents.Agent {
  return new agents.Agent({ name: 'plain', instructions: 'Answer in few words.', model })
}

/** An agent whose one tool is another agent. */
function editor(kit: Kit, api?: Api): agents.Agent {
  const delegate = agents.tool({
    name: 'delegate',
    description: 'Asks a librarian.',
    parameters: z.object({ task: z.string() }),
    async execute({ task }) {
      kit.toolRan()
      const { finalOutput } = await runner(kit, api).run(librarian(kit), task)
      return finalOutput ?? 'nothing'
    },
  })
  return new agents.Agent({ name: 'editor', instructions: 'Delegate it.', model: 'gpt-4.1-mini', tools: [delegate] })
}

async function readAll(kit: Kit, agent: agents.Agent, api?: Api): Promise<void> {
  const result = await runner(kit, api).run(agent, question, { stream: true })
  for await (const event of result) void event
  await result.completed
}

const work: Readonly<Record<string, (kit: Kit) => Promise<unknown>>> = {
  'a response': (kit) => runner(kit).run(plain(), question),
  'a response, a stream': (kit) => readAll(kit, plain()),
  'a chat completion': (kit) => runner(kit, 'chat_completions').run(plain(), question),
  'a chat completion, a stream': (kit) => readAll(kit, plain(), 'chat_completions'),
  'steps with tools': (kit) => runner(kit).run(librarian(kit), question),
  'steps with tools, chat completions in a stream': (kit) => readAll(kit, librarian(kit), 'chat_completions'),
  'an agent that asks another': (kit) => runner(kit).run(editor(kit), question),
}

const cases: readonly Case[] = [
  ...Object.entries(work).map(([title, run]) => ({ title, run })),
  { title: 'a model that reasons', run: (kit) => runner(kit).run(plain('gpt-5-mini'), question) },
  {
    title: 'two agents at once',
    run: (kit) => Promise.all([runner(kit).run(plain(), question), runner(kit).run(librarian(kit), question)]),
  },
  {
    title: 'refused for good',
    refused: [400],
    failed: { calls: 1, open: 1, because: 'OpenAI Agents do not end the trace of a run that fails.' },
    run: async (kit) => {
      const answered = await runner(kit)
        .run(plain(), question)
        .then(
          () => true,
          () => false,
        )
      if (answered) throw new Error('a refused call was answered')
    },
  },
  ...Object.entries(work).map(([title, run]) => ({ title: `unwrapped: ${title}`, adopted: true, run })),
]

export const producer: Producer = {
  title: 'OpenAI Agents under OpenInference',
  packages: ['@openai/agents', 'openai', '@arizeai/openinference-instrumentation-openai-agents'],
  showsTools: true,
  rollup: { adopt: 'agents' },
  start(setUp) {
    const tracerProvider = registerNodeSdk(setUp)
    new OpenAIAgentsInstrumentation({ tracerProvider }).manuallyInstrument(agents)
  },
  cases,
}
