import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What a model may do instead of answering: fail, or keep its caller waiting for ever. */
export type Mishap = 'fail' | 'hang'

/** A model of a test's own, which tells what it was asked and answers as it is told. */
export interface TestModel extends AsyncDisposable {
  readonly url: string
  /** What was asked, in order. */
  readonly questions: readonly string[]
  /** Has the next question of these words go wrong, once. */
  next(question: string, mishap: Mishap): void
  /** Resolves as soon as a question was asked so many times. */
  asked(question: string, times?: number): Promise<void>
}

/** What every answer costs. */
export const answerTokens = { inputTokens: 5, outputTokens: 1 } as const

export async function startTestModel(): Promise<TestModel> {
  const questions: string[] = []
  const mishaps: { readonly question: string; readonly mishap: Mishap }[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    void (async () => {
      const question = await text(request)
      questions.push(question)
      const at = mishaps.findIndex((next) => next.question === question)
      const mishap = at === -1 ? undefined : mishaps.splice(at, 1)[0]!.mishap
      for (const look of waiting) look()
      if (mishap === 'hang') return
      response.writeHead(mishap === 'fail' ? 500 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ text: 'as you like', ...answerTokens }))
    })()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    questions,
    next: (question, mishap) => void mishaps.push({ question, mishap }),
    asked: (question, times = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (questions.filter((asked) => asked === question).length < times) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
