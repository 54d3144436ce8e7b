import Anthropic from '@anthropic-ai/sdk'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { anthropicCases } from '../../common/anthropic-cases.ts'

export const producer: Producer = {
  title: '`@anthropic-ai/sdk`, the spans it writes itself',
  packages: ['@anthropic-ai/sdk'],
  showsTools: false,
  takesFetch: true,
  start: (setUp) => void registerNodeSdk(setUp),
  cases: anthropicCases((options) => new Anthropic(options), {
    'message, a stream that is aborted': {
      untold: undefined,
      unsaid: {
        output: 'Anthropic says the output of a stream at its end. Who hangs up before learns the input only.',
      },
    },
  }),
}
