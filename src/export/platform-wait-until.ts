/** What a platform has for work that goes on after the response. */
export type WaitUntil = (work: Promise<unknown>) => void

/**
 * Where the platforms keep the context of a request: Vercel's functions (`waitUntil` of `@vercel/functions` looks there
 * too), and Next.js where it is hosted elsewhere.
 */
const contextSymbols = [Symbol.for('@vercel/request-context'), Symbol.for('@next/request-context')]

/**
 * Finds the `waitUntil` of whatever runs this handler: a method of one of its arguments, as in Cloudflare's
 * `fetch(request, env, context)` and in Next.js's `middleware(request, event)`, or the platform's request context.
 */
export function platformWaitUntil(args: readonly unknown[]): WaitUntil | undefined {
  const owner = args.find(hasWaitUntil) ?? contextSymbols.map(requestContext).find(hasWaitUntil)
  // Called as a method: Cloudflare refuses it otherwise.
  return owner === undefined ? undefined : (work) => owner.waitUntil(work)
}

function hasWaitUntil(value: unknown): value is { readonly waitUntil: WaitUntil } {
  return typeof value === 'object' && value !== null && 'waitUntil' in value && typeof value.waitUntil === 'function'
}

function requestContext(symbol: symbol): unknown {
  const holder = (globalThis as Readonly<Record<symbol, { get?: () => unknown } | undefined>>)[symbol]
  return holder?.get?.()
}
