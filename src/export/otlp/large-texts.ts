import { Worker } from 'node:worker_threads'

import { doLargeTextJob, type LargeTextJob, type LargeTextResult } from './large-text-job.ts'

/** Texts that may be in the worker thread at a time, in bytes; V8 takes up to two per UTF-16 code unit. */
const maxPendingSizeBytes = 128 * 1024 * 1024
/** How long a job may take. Only an expression of the application that never comes to an end takes so long. */
const deadlineMillis = 10_000

interface PendingJob {
  readonly job: LargeTextJob
  readonly sizeBytes: number
  readonly resolve: (result: LargeTextResult | undefined) => void
}

/**
 * One worker thread for all destinations, started by the first large text. It keeps the process alive only while it has
 * work. Where no thread can be started, in a bundle say, the work is done on this one.
 */
export class LargeTexts {
  readonly #file: URL
  #worker: Worker | undefined
  /** Entered when a worker fails before it has done anything; never left. */
  #isUnavailable = false
  #hasWorked = false
  #nextId = 0
  #pendingSizeBytes = 0
  #deadline: NodeJS.Timeout | undefined
  readonly #jobs = new Map<number, PendingJob>()

  constructor(file: URL = threadFile()) {
    this.#file = file
  }

  /** Bytes of text that are in the thread. */
  get pendingSizeBytes(): number {
    return this.#pendingSizeBytes
  }

  /**
   * Does a job elsewhere.
   *
   * @returns nothing where it failed, took too long, or where too much is waiting: then nothing of the text may leave
   */
  run(job: LargeTextJob): Promise<LargeTextResult | undefined> {
    const sizeBytes = job.text.length * 2
    if (this.#pendingSizeBytes + sizeBytes > maxPendingSizeBytes) return Promise.resolve(undefined)
    if (this.#isUnavailable) return Promise.resolve(here(job))
    return new Promise((resolve) => {
      const id = this.#nextId++
      this.#jobs.set(id, { job, sizeBytes, resolve })
      this.#pendingSizeBytes += sizeBytes
      this.#post(id, job)
    })
  }

  #post(id: number, job: LargeTextJob): void {
    try {
      this.#worker ??= this.#start()
      this.#worker.ref()
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage({ id, job })
      this.#deadline ??= setTimeout(() => this.#overdue(), deadlineMillis).unref()
    } catch {
      this.#gone()
    }
  }

  #start(): Worker {
    // Without the process's own arguments: a test runner's or a debugger's are not for this thread.
    const worker = new Worker(this.#file, { name: 'runspan large texts', execArgv: [], stdout: false, stderr: false })
    worker.on('message', ({ id, result }: { readonly id: number; readonly result: LargeTextResult | undefined }) => {
      this.#hasWorked = true
      this.#settle(id, result)
    })
    worker.on('error', () => this.#gone(worker))
    worker.on('exit', () => this.#gone(worker))
    return worker
  }

  #settle(id: number, result: LargeTextResult | undefined): void {
    const pending = this.#jobs.get(id)
    if (pending === undefined) return
    this.#jobs.delete(id)
    this.#pendingSizeBytes -= pending.sizeBytes
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    if (this.#jobs.size === 0) this.#worker?.unref()
    else this.#deadline = setTimeout(() => this.#overdue(), deadlineMillis).unref()
    pending.resolve(result)
  }

  /** Jobs are done in order, so the first one is the one that hangs. It leaves nothing, the others are done again. */
  #overdue(): void {
    const worker = this.#worker
    this.#worker = undefined
    void worker?.terminate()
    this.#deadline = undefined
    const first = this.#jobs.keys().next()
    if (!first.done) this.#settle(first.value, undefined)
    for (const [id, { job }] of this.#jobs) this.#post(id, job)
  }

  /** The thread ended by itself. One that has worked is started again with the next job; its jobs are done here. */
  #gone(worker = this.#worker): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    if (!this.#hasWorked) this.#isUnavailable = true
    for (const [id, { job }] of this.#jobs) this.#settle(id, here(job))
  }
}

function here(job: LargeTextJob): LargeTextResult | undefined {
  try {
    return doLargeTextJob(job)
  } catch {
    return undefined
  }
}

/** Beside this file, built or not. */
function threadFile(): URL {
  return new URL(`./large-text-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}
