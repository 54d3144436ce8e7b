import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** One job, as a worker gets it. */
export interface Job<T> {
  readonly id: string
  /** Which delivery this is, from 1. */
  readonly attempt: number
  readonly payload: T
}

type Folder = 'incoming' | 'ready' | 'claimed' | 'done' | 'failed'

/** How often an idle worker looks, in milliseconds. */
const pollMillis = 50

/**
 * A job queue in a directory, for any number of processes on one machine.
 *
 * - `incoming`: being written. Left by a rename once the file is whole, so that nobody reads half a job.
 * - `ready`: waits for a worker. Left by a rename: the file system lets exactly one worker win.
 * - `claimed`: one worker has it. Left by `complete`, or by `fail`, back to `ready` while attempts are left.
 * - `done`, `failed`: the end.
 */
export class SpoolQueue<T> {
  readonly #directory: string
  readonly #mostAttempts: number

  constructor(directory: string, { mostAttempts = 2 }: { readonly mostAttempts?: number } = {}) {
    this.#directory = directory
    this.#mostAttempts = mostAttempts
  }

  /** Makes the folders. */
  async open(): Promise<this> {
    const folders: Folder[] = ['incoming', 'ready', 'claimed', 'done', 'failed']
    await Promise.all(folders.map((folder) => mkdir(join(this.#directory, folder), { recursive: true })))
    return this
  }

  /** @returns the job's id */
  async add(payload: T): Promise<string> {
    const job: Job<T> = { id: `${Date.now()}-${randomUUID()}`, attempt: 1, payload }
    await this.#put('ready', job)
    return job.id
  }

  /**
   * Takes jobs, oldest first, until the signal aborts.
   *
   * @yields one job at a time, claimed for the caller
   */
  async *take(signal: AbortSignal): AsyncGenerator<Job<T>> {
    while (!signal.aborted) {
      const name = (await readdir(join(this.#directory, 'ready'))).toSorted()[0]
      if (name === undefined) await sleep(pollMillis, undefined, { signal }).catch(() => {})
      else if (await this.#move(name, 'ready', 'claimed')) yield await this.#read('claimed', name)
    }
  }

  /** Files the job under `done`, with what it resulted in. */
  async complete(job: Job<T>, result: unknown): Promise<void> {
    await this.#put('done', { ...job, result })
  }

  /** Has the job delivered again, or files it under `failed` after the last attempt. */
  async fail(job: Job<T>, error: unknown): Promise<void> {
    if (job.attempt < this.#mostAttempts) await this.#put('ready', { ...job, attempt: job.attempt + 1 })
    else await this.#put('failed', { ...job, error: String(error) })
  }

  /** Waits for what a job resulted in. @throws when it has failed for good */
  async result(id: string, signal: AbortSignal): Promise<unknown> {
    const name = `${id}.json`
    for (;;) {
      const [done, failed] = await Promise.all([this.#find('done', name), this.#find('failed', name)])
      if (done) return done.result
      if (failed) throw new Error(`Job ${id} failed for good: ${failed.error}.`)
      await sleep(pollMillis, undefined, { signal })
    }
  }

  async #put(folder: Folder, job: Job<T> & { result?: unknown; error?: string }): Promise<void> {
    const name = `${job.id}.json`
    await writeFile(join(this.#directory, 'incoming', name), JSON.stringify(job))
    await this.#move(name, 'incoming', folder)
  }

  async #read(folder: Folder, name: string): Promise<Job<T> & { result?: unknown; error?: string }> {
    return JSON.parse(await readFile(join(this.#directory, folder, name), 'utf8'))
  }

  #find(folder: Folder, name: string): Promise<(Job<T> & { result?: unknown; error?: string }) | undefined> {
    return this.#read(folder, name).catch(() => undefined)
  }

  /** @returns false where another worker was faster */
  async #move(name: string, from: Folder, to: Folder): Promise<boolean> {
    try {
      await rename(join(this.#directory, from, name), join(this.#directory, to, name))
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  }
}
