import { llm } from 'runspan'

interface Answer {
  readonly text: string
  readonly inputTokens: number
  readonly outputTokens: number
}

/** Asks a small model at `MODEL_URL`. */
export const askModel = llm(
  'small-model',
  async (question: string): Promise<Answer> => {
    const response = await fetch(process.env['MODEL_URL']!, { method: 'POST', body: question })
    if (!response.ok) throw new Error(`The model answered ${response.status}.`)
    return (await response.json()) as Answer
  },
  {
    model: 'small-model',
    provider: 'acme',
    extractUsage: ({ inputTokens, outputTokens }) => ({ inputTokens, outputTokens }),
  },
)
