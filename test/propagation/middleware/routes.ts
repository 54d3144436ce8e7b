import { EventEmitter } from 'node:events'

import { currentRun, currentRunId, injectTotals, recordLlmCall, withSpan, wrapAgent } from '../../../src/index.ts'

/** What a route answers, in no framework's words. */
export interface Answer {
  readonly status?: number
  readonly json?: unknown
  readonly chunks?: AsyncIterable<string>
  /** The request is never answered. */
  readonly isSilent?: boolean
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** In the words of Express, Fastify, Hono and Koa. */
  readonly path: string
  answer(params: Readonly<Record<string, string>>, body: unknown): Promise<Answer> | Answer
}

/** Says `waiting` when a request waits for its client to go. */
export const signs = new EventEmitter()

const call = (): void =>
  recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 5, outputTokens: 1, costUsd: 0.01 })

async function find(_params: unknown, body: unknown): Promise<Answer> {
  await Promise.resolve()
  withSpan('find', call)
  return { json: { runId: currentRunId() ?? null, joined: currentRun()?.joined ?? null, body: body ?? null } }
}

async function* stream(): AsyncGenerator<string> {
  for (const chunk of ['one', 'two', 'three']) {
    withSpan(chunk, () => {})
    yield chunk
    await new Promise((resolve) => setImmediate(resolve))
  }
  call()
}

// Its last chunk says what the part came to.
async function* lastWord(): AsyncGenerator<string> {
  yield 'one\n'
  await new Promise((resolve) => setImmediate(resolve))
  call()
  yield JSON.stringify(injectTotals({ rows: 3 }))
}

// Begins, and does not go on.
async function* drip(): AsyncGenerator<string> {
  yield 'one'
  await new Promise(() => {})
}

/** The routes that every application of the contract has. */
export const routes: readonly Route[] = [
  { method: 'GET', path: '/find/:what', answer: find },
  { method: 'POST', path: '/find/:what', answer: find },
  { method: 'GET', path: '/status/:code', answer: ({ code }) => ({ status: Number(code), json: {} }) },
  {
    method: 'GET',
    path: '/throws',
    answer() {
      throw new Error('in the handler')
    },
  },
  {
    method: 'GET',
    path: '/own-run',
    async answer() {
      const { runId } = await wrapAgent('searcher', call)
      return { json: { runId, around: currentRunId() ?? null } }
    },
  },
  {
    method: 'GET',
    path: '/ask/:port/:path',
    async answer({ port, path }) {
      call()
      const answer = await fetch(`http://127.0.0.1:${port}/${Buffer.from(path!, 'base64url').toString()}`)
      return { json: await answer.text() }
    },
  },
  {
    method: 'GET',
    path: '/forgets',
    answer() {
      // A call that nobody waits for, and that is not over when the answer goes out.
      void withSpan('forgotten', () => new Promise((resolve) => setTimeout(resolve, 50)))
      return { json: {} }
    },
  },
  {
    method: 'GET',
    path: '/stream',
    answer: () => ({ chunks: stream() }),
  },
  {
    method: 'GET',
    path: '/last-word',
    answer: () => ({ chunks: lastWord() }),
  },
  {
    method: 'GET',
    path: '/drip',
    answer: () => ({ chunks: drip() }),
  },
  {
    method: 'GET',
    path: '/waits',
    answer() {
      signs.emit('waiting')
      return { isSilent: true }
    },
  },
]
