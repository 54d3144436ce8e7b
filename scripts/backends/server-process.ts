import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A backend that runs as a child of this process. */
export interface ServerProcess extends AsyncDisposable {
  /** The process id. */
  readonly pid: number
  /** The last lines it logged, for a failing test to print. */
  log(): string
  /** Ends the process and resolves when it is gone. The second call returns the first one's promise. */
  stop(): Promise<void>
}

export interface ServerOptions {
  /** Named in errors. */
  name: string
  binary: string
  args: readonly string[]
  /** All the environment the program gets beside `PATH`, `HOME` and `TMPDIR`: a proxy or an `OTEL_…` of the shell stays out. */
  env: Readonly<Record<string, string>>
  /** Answers 200 as soon as the program is ready. Left out for programs that do not speak HTTP. */
  healthUrl?: string
  /** Part of what the program logs as soon as it is ready, where it has no `healthUrl`. */
  readyText?: string
  /** @defaultValue 30_000 */
  startTimeoutMillis?: number
}

const stopTimeoutMillis = 10_000
const logLimitChars = 64_000

/** Thrown when somebody else took a port between its choice and its use. */
class PortTakenError extends Error {}

/**
 * Starts a program and waits until it is ready.
 *
 * @throws Error with the end of the program's log, when it ends or is not ready after `startTimeoutMillis`.
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { name, binary, args, env, healthUrl, readyText, startTimeoutMillis = 30_000 } = options
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(binary, args, {
    env: Object.fromEntries(Object.entries({ PATH, HOME, TMPDIR, ...env }).filter(([, value]) => value !== undefined)),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log = keepEnd(child)
  await once(child, 'spawn')
  const { pid } = child
  if (pid === undefined) throw new Error(`Failed to start ${name}: it has no process id.`)
  const server = serverOf(child, pid, log)
  try {
    const isReady = (): Promise<boolean> =>
      readyText === undefined ? answersWell(healthUrl) : Promise.resolve(log().includes(readyText))
    await untilReady(child, isReady, startTimeoutMillis)
  } catch (error) {
    await server.stop()
    const message = `Failed to start ${name}: ${error instanceof Error ? error.message : String(error)}.\n${log()}`
    throw /address already in use|eaddrinuse/i.test(log()) ? new PortTakenError(message) : new Error(message)
  }
  return server
}

/**
 * Calls `start` with a function that gives out `count` addresses (`127.0.0.1:port`) where nobody listens at this moment.
 *
 * A port that is free now may be taken a moment later, and neither program can take port 0 and tell which one it got.
 * So a start that fails for a taken port is repeated with other ports, twice at most.
 */
export async function withFreeAddresses<T>(count: number, start: (next: () => string) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ports = await freePorts(count)
    try {
      return await start(() => `127.0.0.1:${ports.pop()}`)
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === 3) throw error
    }
  }
}

/** All at once, so that no two of them are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  const ports = servers
    .map((server) => server.address())
    .map((address) => (typeof address === 'object' && address?.port) || 0)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

function serverOf(child: ChildProcess, pid: number, log: () => string): ServerProcess {
  // Whoever ends without stopping its servers, by an uncaught error say, does not leave them behind.
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  child.once('exit', () => process.off('exit', killAtExit))
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= endProcess(child))
  return { pid, log, stop, [Symbol.asyncDispose]: stop }
}

async function endProcess(child: ChildProcess): Promise<void> {
  if (hasExited(child)) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const kill = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMillis)
  await gone
  clearTimeout(kill)
}

async function untilReady(child: ChildProcess, isReady: () => Promise<boolean>, timeoutMillis: number): Promise<void> {
  const deadlineMillis = Date.now() + timeoutMillis
  while (Date.now() < deadlineMillis) {
    if (hasExited(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`)
    if (await isReady()) return
    await delay(50)
  }
  throw new Error(`it was not ready after ${timeoutMillis} ms`)
}

async function answersWell(url: string | undefined): Promise<boolean> {
  if (url === undefined) throw new Error('it has neither a healthUrl nor a readyText')
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    await response.body?.cancel()
    return response.status === 200
  } catch {
    // Not listening yet.
    return false
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

function keepEnd(child: ChildProcess): () => string {
  let end = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => (end = (end + chunk).slice(-logLimitChars)))
  }
  return () => end
}
