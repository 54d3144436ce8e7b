import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
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
  /**
   * Asks it to finish, and ends it by force when it does not in time.
   *
   * @throws when it could not finish its work: not every span was delivered, say
   */
  stop(): Promise<void>
}

/** How long a service may take to finish, in milliseconds: a little longer than its exporter tries. */
const stopMillis = 12_000

/** Starts a service and waits until it says that it can take work. What it complains about is passed on. */
export async function startService(options: ServiceOptions, signal: AbortSignal): Promise<Service> {
  const { name, script, environment } = options
  const child = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url))], {
    env: { ...process.env, ...environment, OTEL_SERVICE_NAME: name },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => console.error(`[${name}] ${line}`))
  const exited = once(child, 'exit')
  let stopped: Promise<void> | undefined
  const lost = exited.then(([code, killedBy]): Promise<never> => {
    if (stopped !== undefined) return new Promise(() => {})
    throw new Error(`Service ${name} ended with ${killedBy ?? code} before it was asked to.`)
  })
  lost.catch(() => {})

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), stopMillis)
    const [code, killedBy] = await exited
    clearTimeout(force)
    if (code !== 0) throw new Error(`Service ${name} could not finish; it ended with ${killedBy ?? code}.`)
  }

  const service = { name, pid: child.pid ?? 0, lost, stop: () => (stopped ??= stop()) }
  try {
    return { ...service, url: await Promise.race([ready(child, signal), lost]) }
  } catch (error) {
    await service.stop().catch(() => {})
    throw error
  }
}

async function ready(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
  const [message] = await once(child, 'message', { signal })
  return typeof message === 'object' && message !== null && typeof message.url === 'string' ? message.url : undefined
}
