import { textOf, toolResults } from './conversation.ts'
import type { Answer, Conversation } from './conversation.ts'
import { fillSchema } from './fill-schema.ts'
import { keywords, overlap } from './words.ts'

/** One thing the model knows how to do. The first rule that applies answers. */
interface Rule {
  readonly applies: (conversation: Conversation) => boolean
  readonly answer: (conversation: Conversation) => Partial<Answer>
}

const offers = (name: string) => (conversation: Conversation) => conversation.tools.some((tool) => tool.name === name)
const asked = (phrase: string) => (conversation: Conversation) => textOf(conversation, 'system').includes(phrase)
const call = (name: string, values: unknown) => ({ name, arguments: JSON.stringify(values) })
const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '')

/** Delegates every question of the user, has the findings published, then says so. */
const planner: Rule = {
  applies: offers('delegate'),
  answer(conversation) {
    const questions = textOf(conversation, 'user').match(/[^.?!]+\?/g) ?? [textOf(conversation, 'user')]
    const findings = toolResults(conversation, 'delegate')
    if (findings.length === 0) return { toolCalls: questions.map((task) => call('delegate', { task: task.trim() })) }
    if (offers('publish')(conversation) && toolResults(conversation, 'publish').length === 0) {
      return { toolCalls: [call('publish', { title: questions[0]?.trim(), findings: findings.join('\n') })] }
    }
    const outstanding = lines(findings[0] ?? '')[0]?.replace(/^- /, '') ?? 'Nothing was found.'
    return { text: `Questions researched: ${questions.length}. What stands out: ${outstanding} The report follows.` }
  },
}

/** Searches for the task, then for what the first result brought up, then answers from both. */
const executor: Rule = {
  applies: offers('search'),
  answer(conversation) {
    const task = textOf(conversation, 'user')
    const found = toolResults(conversation, 'search')
    const query = keywords(task).slice(0, 6)
    if (found.length === 0) return { toolCalls: [call('search', { query: query.join(' ') })] }
    if (found.length === 1) {
      const news = keywords(found[0] ?? '').filter((word) => !query.includes(word))
      return { toolCalls: [call('search', { query: [...query.slice(0, 2), ...news.slice(0, 3)].join(' ') })] }
    }
    return { text: [...new Set(found.flatMap(lines))].map((line) => `- ${line}`).join('\n') }
  },
}

/** Names the passage that shares the most words with the question. */
const chooser: Rule = {
  applies: asked('number of the passage'),
  answer(conversation) {
    const [question = '', ...passages] = lines(textOf(conversation, 'user'))
    const scores = passages.map((passage) => overlap(question, passage))
    return { text: String(scores.indexOf(Math.max(...scores)) + 1) }
  },
}

/** Makes a report of title and findings. */
const writer: Rule = {
  applies: asked('report'),
  answer(conversation) {
    const [title = 'Report', ...findings] = lines(textOf(conversation, 'user'))
    return {
      text: [
        `# ${title}\n`,
        '## Summary\n',
        `The research team collected ${findings.length} finding(s) on ${keywords(title).join(', ')}.\n`,
        '## Findings\n',
        ...findings.map((finding, index) => `${index + 1}. ${finding.replace(/^- /, '')}\n`),
        '## What this means\n',
        ...findings.map(
          (finding) => `The evidence on ${keywords(finding).slice(0, 4).join(', ')} should be weighed first.\n`,
        ),
      ].join('\n'),
    }
  },
}

/** Fills the schema that the answer has to follow with words of the question. */
const filler: Rule = {
  applies: ({ answerSchema }) => answerSchema !== undefined && answerSchema !== null,
  answer(conversation) {
    const words = keywords(textOf(conversation, 'user'))
    return { text: JSON.stringify(fillSchema(conversation.answerSchema, words.length === 0 ? ['nothing'] : words)) }
  },
}

const echo: Rule = {
  applies: () => true,
  answer: (conversation) => ({ text: lines(textOf(conversation, 'user'))[0] ?? 'Nothing was asked.' }),
}

/**
 * Answers by rules that look at the tools offered and at what was said so far.
 *
 * The same conversation always gets the same answer, so that a run can be repeated and its bill compared.
 */
export function answerConversation(conversation: Conversation): Answer {
  const rule = [planner, executor, filler, chooser, writer, echo].find(({ applies }) => applies(conversation)) ?? echo
  const answer: Answer = { text: '', toolCalls: [], reasoning: '', ...rule.answer(conversation) }
  if (!/^(?:o\d|gpt-5|gemini-(?:2\.5|3))/.test(conversation.model)) return answer
  const thoughts = keywords(textOf(conversation, 'user')).map((word) => `What is known about ${word}?`)
  return { ...answer, reasoning: thoughts.join(' ') }
}
