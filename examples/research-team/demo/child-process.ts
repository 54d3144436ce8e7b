import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface ServiceOptions {
  readonly name: string
  /** The script, relative to this file. */
  readonly script: string
  readonly environment: Readonly<Record<string, string>>
}

/** A service in a process of its own. */
export interface Service {
  readonly name: string
  readonly pid: number
  /** Where it listens, if it does. */
  readonly url: string | undefined
  /** Rejects when the process goes before it was asked to. */
  readonly lost: Promise<never>
  /** Asks it to finish, and ends it by force when it does not within five seconds. */
  stop(): Promise<void>
}

/** How long a service may take to finish, in milliseconds. */
const stopMillis = 5000

/** Starts a service and waits until it says that it can take work. */
export async function startService(options: ServiceOptions, signal: AbortSignal): Promise<Service> {
  const { name, script, environment } = options
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url))], {
    env: { ...process.env, ...environment, OTEL_SERVICE_NAME: name },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const said: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => said.push(text))
  let stopping = false
  const exited = once(child, 'exit')
  const lost = exited.then(([code, killedBy]): Promise<never> => {
    if (stopping) return new Promise(() => {})
    throw new Error(`Service ${name} ended with ${killedBy ?? code}: ${said.join('').trim() || 'it said nothing'}`)
  })
  lost.catch(() => {})

  async function stop(): Promise<void> {
    stopping = true
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), stopMillis)
    await exited
    clearTimeout(force)
  }

  try {
    const url = await Promise.race([ready(child, signal), lost])
    return { name, pid: child.pid ?? 0, url, lost, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function ready(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
  const [message] = await once(child, 'message', { signal })
  return typeof message === 'object' && message !== null && typeof message.url === 'string' ? message.url : undefined
}
