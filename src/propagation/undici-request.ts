/** undici's request, as its 5 to 7 have it: Node 20 bundles 6, Node 24 bundles 7. */
export interface UndiciRequest {
  readonly origin?: string | URL
  readonly path: string
  readonly method?: string
  /** Names and values in turn; one string of header lines in undici 5. */
  headers: unknown
  addHeader?: (name: string, value: string) => unknown
}

/** Absolute paths win over the origin: that is how a request through a proxy names its target. */
export function urlOf({ path, origin }: Pick<UndiciRequest, 'origin' | 'path'>): URL | undefined {
  try {
    return new URL(path, origin)
  } catch {
    return undefined
  }
}

/** A header of the request that is about to be sent. */
export function headerOf({ headers }: UndiciRequest, name: string): string | undefined {
  if (typeof headers === 'string') return new RegExp(`^${name}: *([^\\r\\n]*)`, 'im').exec(headers)?.[1]
  const at = indexOf(headers, name)
  return at === -1 ? undefined : String((headers as unknown[])[at + 1])
}

export function addHeader(request: UndiciRequest, name: string, value: string): void {
  if (typeof request.addHeader === 'function') request.addHeader(name, value)
  else if (typeof request.headers === 'string') request.headers += `${name}: ${value}\r\n`
  // undici 6.11.0 came without addHeader.
  else if (Array.isArray(request.headers)) request.headers.push(name, value)
}

/**
 * Lets whoever adds a context after this win: two `traceparent` headers make none that could be read, and the official
 * instrumentation adds its own without looking.
 */
export function giveWay(request: UndiciRequest): void {
  const add = request.addHeader
  if (typeof add !== 'function') return
  request.addHeader = function addHeaderOnce(name, value) {
    if (isName(name, 'traceparent') || isName(name, 'tracestate')) removeHeader(request, name)
    return add.call(request, name, value)
  }
}

/** Where somebody has added a second context before this, the first goes. */
export function dropFirstOfTwo(request: UndiciRequest): void {
  for (const name of ['traceparent', 'tracestate']) {
    const { headers } = request
    if (!Array.isArray(headers)) continue
    const at = indexOf(headers, name)
    if (at !== -1 && indexOf(headers, name, at + 2) !== -1) headers.splice(at, 2)
  }
}

function removeHeader(request: UndiciRequest, name: string): void {
  const { headers } = request
  if (typeof headers === 'string') {
    request.headers = headers.replace(new RegExp(`^${name}:[^\\r\\n]*\\r\\n`, 'im'), '')
  } else if (Array.isArray(headers)) {
    const at = indexOf(headers, name)
    if (at !== -1) headers.splice(at, 2)
  }
}

function indexOf(headers: unknown, name: string, from = 0): number {
  if (!Array.isArray(headers)) return -1
  return headers.findIndex((entry, at) => at >= from && at % 2 === 0 && isName(entry, name))
}

function isName(candidate: unknown, name: string): boolean {
  return typeof candidate === 'string' && candidate.length === name.length && candidate.toLowerCase() === name
}
