import { Agent, tool } from '@strands-agents/sdk'
import { OpenAIModel } from '@strands-agents/sdk/models/openai'
import { Graph } from '@strands-agents/sdk/multiagent'
import { z } from 'zod'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Case, Kit, Producer } from '../../harness/producer.ts'
import { longSystem, question } from '../../common/texts.ts'

type Api = 'chat' | 'responses'

function modelOf({ baseUrl: baseURL, fetching }: Kit, api: Api = 'chat', modelId = 'gpt-4.1-mini'): OpenAIModel {
  return new OpenAIModel({ api, modelId, apiKey: 'none', clientConfig: { baseURL, ...fetching } })
}

function librarian(kit: Kit, api?: Api): Agent {
  const search = tool({
    name: 'search',
    description: 'Searches the library.',
    inputSchema: z.object({ query: z.string() }),
    callback: ({ query }) => kit.search(query),
  })
  return new Agent({
    name: 'librarian',
    id: 'librarian',
    model: modelOf(kit, api),
    systemPrompt: longSystem,
    tools: [search],
    printer: false,
  })
}

function plain(kit: Kit, { name = 'plain', api, modelId }: { name?: string; api?: Api; modelId?: string } = {}): Agent {
  const systemPrompt = 'Answer in few words.'
  return new Agent({ name, id: name, model: modelOf(kit, api, modelId), systemPrompt, printer: false })
}

/** An agent whose one tool is another agent. */
function editor(kit: Kit): Agent {
  const delegate = tool({
    name: 'delegate',
    description: 'Asks a librarian.',
    inputSchema: z.object({ task: z.string() }),
    async callback({ task }) {
      kit.toolRan()
      return (await librarian(kit).invoke(task)).toString()
    },
  })
  return new Agent({
    name: 'editor',
    id: 'editor',
    model: modelOf(kit),
    systemPrompt: 'Delegate it.',
    tools: [delegate],
    printer: false,
  })
}

async function readAll(agent: Agent): Promise<void> {
  for await (const event of agent.stream(question)) void event
}

const work: Readonly<Record<string, (kit: Kit) => Promise<unknown>>> = {
  'an agent': (kit) => plain(kit).invoke(question),
  'an agent, a stream': (kit) => readAll(plain(kit)),
  'an agent, Responses API': (kit) => plain(kit, { api: 'responses' }).invoke(question),
  'an agent with tools': (kit) => librarian(kit).invoke(question),
  'an agent that asks another': (kit) => editor(kit).invoke(question),
  'a graph of two agents': (kit) =>
    new Graph({ nodes: [librarian(kit), plain(kit)], edges: [['librarian', 'plain']] }).invoke(question),
}

const cases: readonly Case[] = [
  ...Object.entries(work).map(([title, run]) => ({ title, run })),
  {
    title: 'a model that reasons',
    unsaid: { reasoning: 'Strands does not pass on how much of the output is reasoning.' },
    run: (kit) => plain(kit, { modelId: 'gpt-5-mini' }).invoke(question),
  },
  {
    title: 'two agents at once',
    run: (kit) => Promise.all([plain(kit).invoke(question), librarian(kit).invoke(question)]),
  },
  {
    title: 'refused for good',
    refused: [400],
    failed: { calls: 1 },
    run: async (kit) => {
      const answered = await plain(kit)
        .invoke(question)
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
  title: 'Strands Agents',
  packages: ['@strands-agents/sdk', 'openai'],
  showsTools: true,
  takesFetch: true,
  rollup: { adopt: 'agents' },
  start(setUp) {
    registerNodeSdk(setUp)
  },
  cases,
}
