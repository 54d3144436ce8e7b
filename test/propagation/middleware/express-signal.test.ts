import { EventEmitter } from 'node:events'

import { expect, it } from 'vitest'

import { currentRun, expressMiddleware, propagationHeaders, stats, wrapAgent } from '../../../src/index.ts'
import { recordSpans } from '../../support/record-spans.ts'

/** Runs the middleware on a request that carries a run; the response is closed by the test. */
async function joinedSignal(
  response: EventEmitter & { statusCode: number; writableFinished: boolean },
): Promise<AbortSignal> {
  const { result: headers } = await wrapAgent('planner', () => propagationHeaders())
  let signal: AbortSignal | undefined
  expressMiddleware({ trust: true })({ headers, method: 'GET' }, response, () => {
    signal = currentRun()?.signal
  })
  return signal!
}

it('aborts run.signal when the client goes away before the response is finished', async () => {
  await using _ = recordSpans()
  const response = Object.assign(new EventEmitter(), { statusCode: 200, writableFinished: false })
  const signal = await joinedSignal(response)
  expect(signal.aborted).toBe(false)
  response.emit('close')
  expect(signal.aborted).toBe(true)
})

it('leaves run.signal alone when the response was finished', async () => {
  await using _ = recordSpans()
  const response = Object.assign(new EventEmitter(), { statusCode: 200, writableFinished: true })
  const signal = await joinedSignal(response)
  response.emit('close')
  expect(signal.aborted).toBe(false)
})

it('trusts nobody on a promise or anything else that is not true', async () => {
  await using _ = recordSpans()
  const { result: headers } = await wrapAgent('planner', () => propagationHeaders())
  for (const answer of [Promise.resolve(true), 'yes', 1, undefined]) {
    const before = stats()
    const response = Object.assign(new EventEmitter(), { statusCode: 200, writableFinished: true })
    let joined: unknown = 'not called'
    expressMiddleware({ trust: () => answer as unknown as boolean })({ headers, method: 'GET' }, response, () => {
      joined = currentRun()
    })
    expect(joined).toBeUndefined()
    expect(stats().requestsUntrusted).toBe(before.requestsUntrusted + 1)
    expect(stats().callbackErrors).toBe(before.callbackErrors + 1)
  }
})
