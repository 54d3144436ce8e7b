import type * as Adk from '@google/adk'
import type { BaseAgent, Gemini, LlmAgent, StreamingMode } from '@google/adk'
import { z } from 'zod'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Case, Kit, Producer } from '../../harness/producer.ts'
import { longSystem, question } from '../../common/texts.ts'

/** Loaded once OpenTelemetry is registered: it has a copy of the API of its own, and asks it for a tracer at once. */
let adk: typeof Adk

function modelOf({ origin }: Kit, model = 'gemini-2.5-flash'): Gemini {
  // Where the client of Google's API finds it.
  process.env['GOOGLE_GEMINI_BASE_URL'] = origin
  return new adk.Gemini({ model, apiKey: 'none' })
}

function librarian(kit: Kit, name = 'librarian'): LlmAgent {
  const search = new adk.FunctionTool({
    name: 'search',
    description: 'Searches the library.',
    parameters: z.object({ query: z.string() }),
    execute: ({ query }) => ({ found: kit.search(query) }),
  })
  return new adk.LlmAgent({ name, model: modelOf(kit), instruction: longSystem, tools: [search] })
}

function plain(kit: Kit, name = 'plain', model?: string): LlmAgent {
  return new adk.LlmAgent({ name, model: modelOf(kit, model), instruction: 'Answer in few words.' })
}

async function ask(agent: BaseAgent, streamingMode?: StreamingMode): Promise<void> {
  const runner = new adk.InMemoryRunner({ agent, appName: 'library' })
  const session = await runner.sessionService.createSession({ appName: 'library', userId: 'reader' })
  const newMessage = { role: 'user', parts: [{ text: question }] }
  const events = runner.runAsync({
    userId: 'reader',
    sessionId: session.id,
    newMessage,
    runConfig: { ...(streamingMode !== undefined && { streamingMode }) },
  })
  for await (const { errorMessage } of events) if (errorMessage !== undefined) throw new Error(errorMessage)
}

const work: Readonly<Record<string, (kit: Kit) => Promise<void>>> = {
  'an agent': (kit) => ask(plain(kit)),
  'an agent, a stream': (kit) => ask(plain(kit), adk.StreamingMode.SSE),
  'an agent with tools': (kit) => ask(librarian(kit)),
  'an agent with tools, a stream': (kit) => ask(librarian(kit), adk.StreamingMode.SSE),
  'two agents, one after the other': (kit) =>
    ask(new adk.SequentialAgent({ name: 'both', subAgents: [librarian(kit), plain(kit)] })),
  'two agents at once': (kit) =>
    ask(new adk.ParallelAgent({ name: 'both', subAgents: [plain(kit, 'first'), librarian(kit, 'second')] })),
}

const cases: readonly Case[] = [
  ...Object.entries(work).map(([title, run]) => ({ title, run })),
  {
    title: 'a model that does not reason',
    run: (kit) => ask(plain(kit, 'quick', 'gemini-2.0-flash')),
  },
  {
    title: 'refused for good',
    refused: [400],
    failed: { calls: 0, open: 1, because: 'ADK never ends the span of a call that fails.' },
    run: async (kit) => {
      const answered = await ask(plain(kit)).then(
        () => true,
        () => false,
      )
      if (answered) throw new Error('a refused call was answered')
    },
  },
  ...Object.entries(work).map(([title, run]) => ({ title: `unwrapped: ${title}`, adopted: true, run })),
  {
    title: 'unwrapped: an agent with tools, below a server’s span',
    adopted: true,
    below: 'server',
    run: work['an agent with tools']!,
  },
]

export const producer: Producer = {
  title: 'Google ADK',
  packages: ['@google/adk'],
  showsTools: true,
  rollup: { adopt: 'agents' },
  async start(setUp) {
    registerNodeSdk(setUp)
    adk = await import('@google/adk')
    adk.setLogLevel(adk.LogLevel.ERROR)
  },
  cases,
}
