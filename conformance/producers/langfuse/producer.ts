import { observeOpenAI } from '@langfuse/openai'
import { startActiveObservation } from '@langfuse/tracing'
import OpenAI from 'openai'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { openAiCases } from '../../common/openai-cases.ts'
import { question } from '../../common/texts.ts'

export const producer: Producer = {
  title: '`openai` under Langfuse',
  packages: ['@langfuse/openai', '@langfuse/tracing', 'openai'],
  showsTools: false,
  takesFetch: true,
  start: (setUp) => void registerNodeSdk(setUp),
  cases: [
    ...openAiCases((options) => observeOpenAI(new OpenAI(options)), {
      'chat completion, a stream that is aborted': {
        untold: { is: () => true, because: 'Langfuse never ends the span of a stream that is aborted.', ends: 'open' },
      },
      embeddings: {
        untold: { is: () => true, because: 'Langfuse does not record the usage of embeddings.' },
      },
    }),
    {
      title: '`startActiveObservation`, with the usage by hand',
      run: (kit) =>
        startActiveObservation(
          'answer',
          async (generation) => {
            const client = new OpenAI({ baseURL: kit.baseUrl, apiKey: 'none' })
            const { model, usage } = await client.chat.completions.create({
              model: 'gpt-4.1-mini',
              messages: [{ role: 'user', content: question }],
            })
            const { prompt_tokens: promptTokens = 0, completion_tokens: completionTokens = 0 } = usage ?? {}
            generation.update({ model, usageDetails: { promptTokens, completionTokens } })
          },
          { asType: 'generation' },
        ),
    },
  ],
}
