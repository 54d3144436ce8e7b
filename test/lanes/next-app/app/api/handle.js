import { recordLlmCall, withSpan } from 'runspan'
import { fetchHandler } from 'runspan/middleware'

/** A route handler that trusts callers which say that they are from the mesh. */
export const handle = (route, handler) =>
  fetchHandler(handler, { trust: (request) => request.headers['x-mesh'] === 'internal', route })

export const find = () =>
  withSpan('find', () => recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens: 5, outputTokens: 1 }))
