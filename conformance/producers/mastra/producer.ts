import { createOpenAI } from '@ai-sdk/openai'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { Mastra } from '@mastra/core/mastra'
import { createTool } from '@mastra/core/tools'
import { createStep, createWorkflow } from '@mastra/core/workflows'
import { Observability } from '@mastra/observability'
import { OtelBridge } from '@mastra/otel-bridge'
import { z } from 'zod'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Case, Kit, Producer } from '../../harness/producer.ts'
import { longSystem, question } from '../../common/texts.ts'

let bridge: OtelBridge

/** A librarian, an editor who asks the librarian, and a workflow that asks twice at once. */
function mastraOf({ baseUrl: baseURL, ...kit }: Kit, model = 'gpt-4.1-mini') {
  // Mastra takes a model of this major, and says so in types of another package.
  const language = createOpenAI({ baseURL, apiKey: 'none' }).chat(model) as unknown as MastraModelConfig
  const search = createTool({
    id: 'search',
    description: 'Searches the library.',
    inputSchema: z.object({ query: z.string() }),
    execute: async ({ query }) => kit.search(query),
  })
  const librarian = new Agent({
    id: 'librarian',
    name: 'librarian',
    description: 'Knows the library.',
    instructions: longSystem,
    model: language,
    tools: { search },
  })
  const plain = new Agent({
    id: 'plain',
    name: 'plain',
    instructions: 'Answer in few words.',
    model: language,
  })
  const delegate = createTool({
    id: 'delegate',
    description: 'Asks a librarian.',
    inputSchema: z.object({ task: z.string() }),
    execute: async ({ task }, context) => {
      kit.toolRan()
      const { text } = await librarian.generate(task, { tracingContext: context.tracingContext })
      return text
    },
  })
  const editor = new Agent({
    id: 'editor',
    name: 'editor',
    instructions: 'Delegate every question.',
    model: language,
    tools: { delegate },
  })
  const texts = z.object({ text: z.string() })
  const ask = (id: string) =>
    createStep({
      id,
      inputSchema: texts,
      outputSchema: texts,
      execute: async ({ inputData, tracingContext }) => {
        const { text } = await plain.generate(`${inputData.text} ${id}`, { tracingContext })
        return { text }
      },
    })
  const both = createWorkflow({ id: 'both', inputSchema: texts, outputSchema: z.any() })
    .parallel([ask('first'), ask('second')])
    .commit()
  return new Mastra({
    agents: { librarian, plain, editor },
    workflows: { both },
    observability: new Observability({ configs: { default: { serviceName: 'library', bridge } } }),
    logger: false,
  })
}

/** Mastra ends its spans some time after it has answered. */
async function settled<T>(work: Promise<T>): Promise<T> {
  const result = await work
  await bridge.flush()
  return result
}

const work: Readonly<Record<string, (kit: Kit) => Promise<unknown>>> = {
  generate: (kit) => mastraOf(kit).getAgent('plain').generate(question),
  'generate, steps with tools': (kit) => mastraOf(kit).getAgent('librarian').generate(question),
  'stream, steps with tools': async (kit) => {
    const { textStream } = await mastraOf(kit).getAgent('librarian').stream(question)
    for await (const piece of textStream) void piece
  },
  'an agent that asks another': (kit) => mastraOf(kit).getAgent('editor').generate(question),
  'a workflow with two agents at once': async (kit) => {
    const run = await mastraOf(kit).getWorkflow('both').createRun()
    const { status } = await run.start({ inputData: { text: question } })
    if (status !== 'success') throw new Error(`the workflow is ${status}`)
  },
}

const cases: readonly Case[] = [
  ...Object.entries(work).map(([title, run]) => ({ title, run: (kit: Kit) => settled(run(kit)) })),
  {
    title: 'a model that reasons',
    run: (kit) => settled(mastraOf(kit, 'gpt-5-mini').getAgent('plain').generate(question)),
  },
  {
    title: 'refused for good',
    refused: [400],
    failed: { calls: 1, unpriced: 1, because: 'Mastra marks the sum of its calls as failed, and not the call in it.' },
    run: async (kit) => {
      const answered = await settled(mastraOf(kit).getAgent('plain').generate(question)).then(
        () => true,
        () => false,
      )
      if (answered) throw new Error('a refused call was answered')
      await bridge.flush()
    },
  },
  ...Object.entries(work).map(([title, run]) => ({
    title: `unwrapped: ${title}`,
    adopted: true,
    run: (kit: Kit) => settled(run(kit)),
  })),
  {
    title: 'unwrapped: generate, steps with tools, below a server’s span',
    adopted: true,
    below: 'server',
    run: (kit) => settled(work['generate, steps with tools']!(kit)),
  },
]

export const producer: Producer = {
  title: 'Mastra through its OpenTelemetry bridge',
  packages: ['@mastra/core', '@mastra/observability', '@mastra/otel-bridge', '@ai-sdk/openai'],
  showsTools: true,
  rollup: { adopt: 'agents' },
  start(setUp) {
    registerNodeSdk(setUp)
    bridge = new OtelBridge()
  },
  cases,
}
