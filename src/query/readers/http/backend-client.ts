import { setTimeout as delay } from 'node:timers/promises'

import { RunspanError } from '../../../errors.ts'
import type { BackendOptions } from './backend-options.ts'

/** What a backend said. */
export interface BackendAnswer {
  readonly status: number
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** What an answer may take. */
interface Bounds {
  readonly timeoutMillis: number
  readonly maxRetries: number
  readonly maxAnswerBytes: number
}

const firstBackoffMillis = 250
/** The longest wait before a question is asked again, whatever the backend wishes. */
const maxBackoffMillis = 10_000

/** Asks one backend over HTTP, a few questions at a time, and again where it is busy. */
export class BackendClient {
  /** The address without credentials, for people. */
  readonly url: string
  readonly #base: URL
  readonly #headers: Record<string, string>
  readonly #options: Bounds
  readonly #queue: (() => void)[] = []
  #free: number

  /**
   * @param what for messages: `Jaeger`
   * @throws {@link RunspanError} `bad_configuration` where the address or an option cannot work
   */
  constructor(what: string, url: string | URL, options: BackendOptions) {
    const { timeoutMillis = 30_000, maxRetries = 4, maxConcurrent = 5, maxAnswerBytes = 256 * 1024 * 1024 } = options
    this.#base = addressOf(what, url)
    this.#headers = headersOf(this.#base, options)
    this.#base.username = ''
    this.#base.password = ''
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/'
    this.url = this.#base.href.replace(/\/$/, '')
    for (const [name, value, least] of [
      ['timeoutMillis', timeoutMillis, 1],
      ['maxRetries', maxRetries, 0],
      ['maxConcurrent', maxConcurrent, 1],
      ['maxAnswerBytes', maxAnswerBytes, 1],
    ] as const) {
      if (!(value >= least)) throw unusable(what, `${name} cannot be ${String(value)}. Use ${least} or more`)
    }
    this.#options = { timeoutMillis, maxRetries, maxAnswerBytes }
    this.#free = maxConcurrent
  }

  /**
   * Asks for a path below the address.
   *
   * @returns an answer with 200, or with a status of `others`
   * @throws {@link RunspanError} `store_unavailable` for all other statuses, and where there is no answer
   */
  async get(path: string, query: Readonly<Record<string, string>>, others: readonly number[]): Promise<BackendAnswer> {
    await this.#enter()
    try {
      const url = this.#urlOf(path, query)
      for (let retries = 0; ; retries++) {
        const { response, bytes } = await this.#ask(url)
        if (response.status === 200 || others.includes(response.status)) {
          return { status: response.status, contentType: response.headers.get('content-type') ?? '', bytes }
        }
        const isBusy = response.status === 429 || response.status === 503
        if (!isBusy || retries >= this.#options.maxRetries) throw this.#refused(response.status, bytes, retries)
        await delay(backoffMillis(response.headers.get('retry-after'), retries))
      }
    } finally {
      this.#leave()
    }
  }

  /**
   * Asks for a path whose answer is read line by line, and may be longer than memory. Only its beginning has a time limit.
   *
   * @yields each line; nothing where the answer is 404
   * @throws {@link RunspanError} `store_unavailable`
   */
  async *lines(path: string, query: Readonly<Record<string, string>>): AsyncGenerator<string, void, undefined> {
    await this.#enter()
    try {
      const response = await this.#open(this.#urlOf(path, query))
      if (response === undefined) return
      const decoder = new TextDecoder()
      let rest = ''
      for await (const chunk of response.body ?? []) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
        rest = lines.pop()!
        if (rest.length > this.#options.maxAnswerBytes) throw this.#unavailable('its answer has a line without an end')
        yield* lines
      }
      if (rest !== '') throw this.#unavailable('its answer was cut off')
    } finally {
      this.#leave()
    }
  }

  async #open(url: URL): Promise<Response | undefined> {
    const beginning = new AbortController()
    const timer = setTimeout(() => beginning.abort(), this.#options.timeoutMillis)
    try {
      const response = await fetch(url, { headers: this.#headers, signal: beginning.signal, redirect: 'error' })
      if (response.status === 200) return response
      const bytes = await this.#bytesOf(response)
      if (response.status === 404) return undefined
      throw this.#refused(response.status, bytes, 0)
    } catch (error) {
      throw RunspanError.is(error) ? error : this.#unavailable(whyOf(error, this.#options.timeoutMillis), error)
    } finally {
      clearTimeout(timer)
    }
  }

  #urlOf(path: string, query: Readonly<Record<string, string>>): URL {
    const url = new URL(path, this.#base)
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value)
    return url
  }

  async #ask(url: URL, isAgain = false): Promise<{ readonly response: Response; readonly bytes: Uint8Array }> {
    try {
      const signal = AbortSignal.timeout(this.#options.timeoutMillis)
      // A redirect would take the credentials to wherever it says.
      const response = await fetch(url, { headers: this.#headers, signal, redirect: 'error' })
      return { response, bytes: await this.#bytesOf(response) }
    } catch (error) {
      if (RunspanError.is(error)) throw error
      // A connection that is kept open may be closed in the moment in which it is used again.
      if (!isAgain && wasReset(error)) return this.#ask(url, true)
      throw this.#unavailable(whyOf(error, this.#options.timeoutMillis), error)
    }
  }

  async #bytesOf(response: Response): Promise<Uint8Array> {
    if (response.body === null) return new Uint8Array()
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body) {
      size += chunk.length
      if (size > this.#options.maxAnswerBytes) {
        throw this.#unavailable(
          `its answer has more than ${this.#options.maxAnswerBytes} bytes. Ask for less, or raise maxAnswerBytes`,
        )
      }
      chunks.push(chunk)
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)
  }

  #refused(status: number, bytes: Uint8Array, retries: number): RunspanError {
    const said = new TextDecoder().decode(bytes.subarray(0, 300)).trim()
    const times = retries === 0 ? '' : `, ${retries + 1} times`
    const advice = status === 401 || status === 403 ? '. Check the credentials' : ''
    return this.#unavailable(`it answered ${status}${times}${said === '' ? '' : `: ${said}`}${advice}`)
  }

  #unavailable(why: string, cause?: unknown): RunspanError {
    return new RunspanError('store_unavailable', `Failed to read from ${this.url}: ${why}.`, { cause })
  }

  /** Says that an answer is none that this reader knows. */
  odd(what: string, cause?: unknown): RunspanError {
    return this.#unavailable(`${what}. Check that the address is that of the query API`, cause)
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#queue.push(resolve))
  }

  #leave(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free++
    else next()
  }
}

function addressOf(what: string, url: string | URL): URL {
  try {
    const address = new URL(url)
    if (address.protocol === 'http:' || address.protocol === 'https:') return address
  } catch {
    // Said below.
  }
  throw unusable(
    what,
    `its address cannot be ${JSON.stringify(String(url))}. Use one that begins with http:// or https://`,
  )
}

const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

function headersOf(
  { username, password, hostname }: URL,
  { headers = {}, tenant }: BackendOptions,
): Record<string, string> {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    accept: 'application/json',
    // Packing takes longer than the way to this machine's own memory.
    ...(loopback.test(hostname) ? { 'accept-encoding': 'identity' } : {}),
    ...(username === '' && password === ''
      ? {}
      : { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
    ...(tenant === undefined ? {} : { 'x-scope-orgid': tenant }),
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  }
}

function unusable(what: string, why: string): RunspanError {
  return new RunspanError('bad_configuration', `Failed to read from ${what}: ${why}.`)
}

function backoffMillis(retryAfter: string | null, retries: number): number {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  const untilMillis = retryAfter === null ? Number.NaN : Date.parse(retryAfter) - Date.now()
  const wished = Number.isFinite(seconds) ? seconds * 1_000 : untilMillis
  // Somewhere in the second half, so that many readers do not come back at once.
  const ownMillis = firstBackoffMillis * 2 ** retries * (0.5 + Math.random() / 2)
  return Math.min(maxBackoffMillis, Math.max(0, Number.isFinite(wished) ? wished : ownMillis))
}

function wasReset(error: unknown): boolean {
  const code = error instanceof Error ? (error.cause as { readonly code?: unknown } | undefined)?.code : undefined
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET'
}

function whyOf(error: unknown, timeoutMillis: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `it did not answer in ${timeoutMillis} ms. Check it, or raise timeoutMillis`
  // fetch says "fetch failed", and its cause says why.
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message
}
