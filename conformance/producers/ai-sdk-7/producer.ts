import { createOpenAI } from '@ai-sdk/openai'
import { OpenTelemetry } from '@ai-sdk/otel'
import { embed, embedMany, generateText, isStepCount, Output, registerTelemetry, streamText, tool } from 'ai'
import { z } from 'zod'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Kit, Producer } from '../../harness/producer.ts'

const openai = ({ baseUrl }: Kit) => createOpenAI({ baseURL: baseUrl, apiKey: 'none' })
const tools = (kit: Kit) => ({
  search: tool({
    description: 'Searches the library.',
    inputSchema: z.object({ query: z.string() }),
    execute: ({ query }) => kit.search(query),
  }),
})
const question = 'What connects spans of one trace to another one?'
const answer = z.object({ title: z.string(), points: z.array(z.string()), sure: z.boolean() })

export const producer: Producer = {
  title: 'Vercel AI SDK 7',
  packages: ['ai', '@ai-sdk/otel', '@ai-sdk/openai'],
  showsTools: true,
  start(setUp) {
    registerNodeSdk(setUp)
    registerTelemetry(new OpenTelemetry())
  },
  cases: [
    {
      title: 'generateText',
      run: (kit) => generateText({ model: openai(kit)('gpt-4.1-mini'), prompt: question }),
    },
    {
      title: 'generateText, multi-step with tools',
      run: (kit) =>
        generateText({
          model: openai(kit).chat('gpt-4.1-mini'),
          prompt: question,
          tools: tools(kit),
          stopWhen: isStepCount(5),
        }),
    },
    {
      title: 'embed',
      run: (kit) => embed({ model: openai(kit).embedding('text-embedding-3-small'), value: question }),
    },
  ],
}
void answer
void embedMany
void Output
void streamText
