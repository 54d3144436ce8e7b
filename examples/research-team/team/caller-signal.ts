import type { Response } from 'express'

/** Aborts when the caller goes away before it has its answer: nobody wants the rest any more. */
export function callerSignal(response: Response): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort()
  })
  return controller.signal
}
