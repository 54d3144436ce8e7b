import { createOpenAI } from '@ai-sdk/openai'
import { cosineSimilarity, embed, embedMany } from 'ai'
import { llm, retrieval } from 'runspan'
import { z } from 'zod'

import { requireVariable } from '../team/environment.ts'
import { fetchModel } from '../team/fetch-model.ts'
import { library } from './library.ts'
import type { Passage } from './library.ts'

const openai = createOpenAI({ project: 'search', fetch: fetchModel })
const embedding = openai.embedding('text-embedding-3-small')

/** One vector per passage. Made once, for no run: nothing of it belongs on a run's bill. */
const { embeddings } = await embedMany({
  model: embedding,
  values: library.map((passage) => passage.text),
  telemetry: { isEnabled: false },
})

/** The passages nearest in meaning. The embedding of the query is a model call, and is billed to the run. */
const nearest = retrieval('library', async (query: string): Promise<Passage[]> => {
  const { embedding: wanted } = await embed({ model: embedding, value: query, telemetry: { functionId: 'library' } })
  return library
    .map((passage, index) => ({ passage, similarity: cosineSimilarity(wanted, embeddings[index] ?? []) }))
    .toSorted((left, right) => right.similarity - left.similarity)
    .slice(0, 3)
    .map(({ passage }) => passage)
})

/** A model call without a client library: usage is read from OpenAI's answer. */
const choose = llm(
  'choose passage',
  async (query: string, passages: readonly Passage[]): Promise<unknown> => {
    const response = await fetchModel(`${requireVariable('OPENAI_BASE_URL')}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${requireVariable('OPENAI_API_KEY')}`,
        'openai-project': 'search',
      },
      body: JSON.stringify({
        model: 'gpt-4.1-nano',
        messages: [
          { role: 'system', content: 'Answer with the number of the passage that answers the question best.' },
          { role: 'user', content: [query, ...passages.map((passage) => passage.text)].join('\n') },
        ],
      }),
    })
    if (!response.ok) throw new Error(`The model server answered ${response.status}.`)
    return response.json()
  },
  { model: 'gpt-4.1-nano', provider: 'openai' },
)

/** Passages on a query with their sources, the best one first. */
export async function search(query: string): Promise<string[]> {
  const passages = await nearest(query)
  const { choices } = completion.parse(await choose(query, passages))
  const best = passages[Number(choices[0]?.message.content) - 1] ?? passages[0]
  return [...new Set([best, ...passages])].flatMap((passage) =>
    passage ? [`${passage.text} [${passage.source}]`] : [],
  )
}

const completion = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })) })
