import { createOpenAI } from '@ai-sdk/openai'
import { generateText, isStepCount, tool } from 'ai'
import type { Run } from 'runspan'
import { z } from 'zod'

import { requireVariable } from '../team/environment.ts'
import { fetchInRun } from '../team/fetch-in-run.ts'
import { fetchModel } from '../team/fetch-model.ts'
import { teamHeaders } from '../team/team.ts'

const openai = createOpenAI({ project: 'executor', fetch: fetchModel })

const instructions = `You research one question. Search for it first, with a few words that carry its meaning. Read what
was found, then search once more for what the first search brought up and did not explain. Two searches are enough.
Answer with a list of findings, one line each, taken from what was found and not from memory, each with its source in
brackets. Leave out what does not bear on the question. If the sources contradict each other, give both. If nothing was
found, say so in one line, and do not guess. Write plain sentences without any mark-up but the dash before each finding.`

const search = tool({
  description: 'Searches the library. Returns passages, the best one first.',
  inputSchema: z.object({ query: z.string() }),
  async execute({ query }, { abortSignal }) {
    const response = await fetchInRun(new URL('/search', requireVariable('SEARCH_URL')), {
      method: 'POST',
      headers: teamHeaders(),
      body: JSON.stringify({ query }),
      ...(abortSignal && { signal: abortSignal }),
    })
    if (!response.ok) throw new Error(`The search service answered ${response.status}.`)
    return found.parse(await response.json()).passages.join('\n')
  },
})

/** Researches one task: searches, reads, answers. */
export async function research(run: Run<string>): Promise<string> {
  const { text } = await generateText({
    model: openai.chat('o4-mini'),
    instructions,
    prompt: run.input,
    tools: { search },
    stopWhen: isStepCount(6),
    abortSignal: run.signal,
    telemetry: { functionId: 'executor' },
  })
  return text
}

const found = z.object({ passages: z.array(z.string()) })
