import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The development Node, which runs TypeScript sources as they are. */
export const nodeBinary = `${root}node_modules/.bin/node`

/** A program of a recipe, in a process of its own. */
export interface Program extends AsyncDisposable {
  /** The next line that it prints; rejects with its output where it ends instead. */
  line(): Promise<string>
  /** What of its output, errors included, fits a pattern; rejects with its output where it ends before. */
  said(pattern: RegExp): Promise<string>
  /** Resolves when it has ended, which must be well. */
  readonly done: Promise<void>
  /** Asks it to go, as an operator would, and resolves when it has ended, which must be well. */
  stop(): Promise<void>
  /** Ends it in the middle of what it does. */
  crash(): Promise<void>
}

/** Starts programs of recipes; whatever still runs at the end is killed. */
export class Programs implements AsyncDisposable {
  readonly #environment: Readonly<Record<string, string>>
  readonly #started = new AsyncDisposableStack()

  /** @param environment what all programs get */
  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment
  }

  /** Runs `examples/recipes/{script}` with Runspan's preset. */
  node(script: string, environment: Readonly<Record<string, string>> = {}): Program {
    return this.start(nodeBinary, ['--import', 'runspan/register', `examples/recipes/${script}`], environment)
  }

  start(command: string, args: readonly string[], environment: Readonly<Record<string, string>>): Program {
    return this.#started.use(startProgram(command, args, { ...this.#environment, ...environment }))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#started.disposeAsync()
  }
}

function startProgram(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Program {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_NO_WARNINGS: '1', ...environment },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)))
  }
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = once(child, 'close').then(([code, signal]) => ({ code: code as number | null, signal: String(signal) }))
  const check = async (): Promise<void> => {
    const { code, signal } = await ended
    if (code !== 0 && signal !== 'SIGTERM')
      throw new Error(`${args.join(' ')} ended with ${code ?? signal}:\n${output}`)
  }
  const done = check()
  // Whoever crashes a program does not look at how it ended.
  done.catch(() => {})
  const crash = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  }
  return {
    async line() {
      const next = (await lines.next()) as IteratorResult<string, undefined>
      if (next.done === true) throw new Error(`${args.join(' ')} ended without a line:\n${output}`)
      return next.value
    },
    async said(pattern) {
      for (;;) {
        const found = pattern.exec(output)?.[0]
        if (found !== undefined) return found
        const more = new Promise((resolve) => {
          for (const stream of [child.stdout, child.stderr]) stream.once('data', resolve)
        })
        const end = ended.then(() => {
          throw new Error(`${args.join(' ')} ended and did not say ${String(pattern)}:\n${output}`)
        })
        await Promise.race([more, end])
      }
    },
    done,
    stop() {
      child.kill('SIGTERM')
      return done
    },
    crash,
    [Symbol.asyncDispose]: crash,
  }
}
