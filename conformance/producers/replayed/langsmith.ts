import { first, model, second, usageOf } from './bills.ts'
import type { Bill, ReplayedSpan } from './spans.ts'

const operations: Readonly<Record<string, string>> = {
  llm: 'chat',
  prompt: 'chat',
  tool: 'execute_tool',
  embedding: 'embeddings',
}
const span = (name: string, kind: string, more: object): ReplayedSpan => ({
  name,
  scope: 'langsmith',
  attributes: {
    'langsmith.span.kind': kind,
    'gen_ai.operation.name': operations[kind] ?? kind,
    'langsmith.trace.name': name,
  },
  ...more,
})
const call = (bill: Bill, details: object = {}): ReplayedSpan =>
  span('ChatOpenAI', 'llm', {
    late: {
      'gen_ai.system': 'openai',
      ...model,
      ...usageOf(bill),
      'gen_ai.usage.total_tokens': bill.input + bill.output,
      'langsmith.usage_metadata': JSON.stringify({
        input_tokens: bill.input,
        output_tokens: bill.output,
        total_tokens: bill.input + bill.output,
        ...details,
      }),
    },
  })
const details = { input_token_details: { cache_read: 128 }, output_token_details: { reasoning: 5 } }
const embed = {
  'gen_ai.system': 'openai',
  'gen_ai.request.model': 'text-embedding-3-small',
  'gen_ai.usage.input_tokens': 12,
}

/** Runs as spans: their type under a key of its own, and the operation that LangSmith derives from it, for prompts too. */
export const langSmith: readonly ReplayedSpan[] = [
  span('librarian', 'chain', {
    below: [
      span('ChatPromptTemplate', 'prompt', {}),
      call(first, details),
      span('search', 'tool', { isTool: true, late: { 'gen_ai.tool.name': 'search' } }),
      call(second),
      span('OpenAIEmbeddings', 'embedding', { late: embed }),
    ],
  }),
]
