import { Worker } from 'node:worker_threads'

/** A request that is to be sent while the process is already ending. */
export interface LastRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly tls: Readonly<Record<string, string | Uint8Array>>
  readonly isCompressed: boolean
  readonly body: Uint8Array
}

/**
 * Runs in the worker. A text, because a file of its own would be missing in applications that are bundled. Slot 0 of
 * the results says that all is done, slot n + 1 the status of request n: 0 without an answer so far, -1 lost.
 */
const program = `
const { workerData: { requests, results, timeoutMillis } } = require('node:worker_threads')
const { gzipSync } = require('node:zlib')
const slots = new Int32Array(results)
const agents = new Map()
let left = requests.length
requests.forEach(({ url, headers, tls, isCompressed, body }, index) => {
  const { Agent, request } = require(url.startsWith('https:') ? 'node:https' : 'node:http')
  if (!agents.has(url)) agents.set(url, new Agent({ maxSockets: 8, keepAlive: true, ...tls }))
  const finish = (status) => {
    if (slots[index + 1] !== 0) return
    slots[index + 1] = status
    if (--left > 0) return
    Atomics.store(slots, 0, 1)
    Atomics.notify(slots, 0)
  }
  const bytes = isCompressed ? gzipSync(body, { level: 1 }) : body
  const options = { method: 'POST', agent: agents.get(url), timeout: timeoutMillis,
    headers: { ...headers, 'content-length': String(bytes.byteLength) } }
  const sent = request(url, options, (response) => {
    finish(response.statusCode)
    response.resume()
  })
  sent.on('timeout', () => sent.destroy())
  sent.on('error', () => finish(-1))
  sent.end(bytes)
})
`

/**
 * Sends requests from a worker thread while this one waits: the only way out of the process once its event loop has
 * ended, in an `exit` listener. One attempt each. Takes about 60 to 100 ms where the destination answers.
 *
 * @param timeoutMillis how long this thread stands still at most
 * @returns the status of each request; -1 where it was lost, 0 where no answer came in time
 */
export function sendInWorker(requests: readonly LastRequest[], timeoutMillis: number): readonly number[] {
  const slots = new Int32Array(new SharedArrayBuffer(4 * (requests.length + 1)))
  const worker = new Worker(program, {
    eval: true,
    workerData: { requests, results: slots.buffer, timeoutMillis },
    // Not what the application is started with: a preloaded module would set tracing up once more in there.
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
  })
  worker.on('error', () => undefined)
  Atomics.wait(slots, 0, 0, timeoutMillis)
  void worker.terminate()
  return Array.from(slots.subarray(1))
}
