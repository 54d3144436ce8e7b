import { recordLlmCall, tool } from '../../src/index.ts'

/** Work in another file than the run's, which is given nothing. */
export const callInAnotherFile = tool('elsewhere', async () => {
  await Promise.resolve()
  recordLlmCall({ model: 'small-model', provider: 'openai' })
})
