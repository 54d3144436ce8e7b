import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The development Node, which runs TypeScript sources as they are, whatever Node runs the tests. */
const nodeBinary = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A fixture running in a process of its own. */
export interface FixtureProcess extends AsyncDisposable {
  /** The next message that the fixture sends; rejects with its output where it ends instead. */
  message<T = unknown>(): Promise<T>
  send(message: unknown): void
  readonly ended: Promise<ProcessEnd>
}

/**
 * Runs `test/fixtures/{fixture}.ts` in a process of its own. Its arguments are one JSON text, `process.argv[2]`.
 *
 * @param environment `service.name` and the sink it exports to, say
 */
export function spawnProcess(
  fixture: string,
  args: unknown,
  environment: Readonly<Record<string, string>> = {},
): FixtureProcess {
  const script = fileURLToPath(new URL(`../fixtures/${fixture}.ts`, import.meta.url))
  const child = spawn(nodeBinary, [script, JSON.stringify(args)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...environment },
  })
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const messages: unknown[] = []
  const waiting: ((message: unknown) => void)[] = []
  child.on('message', (message) => {
    const next = waiting.shift()
    if (next === undefined) messages.push(message)
    else next(message)
  })
  const ended = once(child, 'close').then(([code, signal]): ProcessEnd => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }))
  return {
    ended,
    message<T>() {
      if (messages.length > 0) return Promise.resolve(messages.shift() as T)
      const next = new Promise<T>((resolve) => waiting.push(resolve as (message: unknown) => void))
      const early = ended.then((end): T => {
        throw new Error(`${fixture} ended without a message: ${JSON.stringify(end)}`)
      })
      return Promise.race([next, early])
    },
    send: (message) => void child.send(message as object),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await ended
    },
  }
}

/** Runs a fixture to its end, which must be a good one, and returns the one message it sent. */
export async function runProcess<T>(
  fixture: string,
  args: unknown,
  environment: Readonly<Record<string, string>> = {},
): Promise<T> {
  await using child = spawnProcess(fixture, args, environment)
  const message = await child.message<T>()
  const end = await child.ended
  if (end.code !== 0) throw new Error(`${fixture} failed: ${JSON.stringify(end)}`)
  return message
}
