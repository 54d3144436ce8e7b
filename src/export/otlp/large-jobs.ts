import { Worker } from 'node:worker_threads'

import {
  doLargeJob,
  type LargeJob,
  type LargeJobResult,
  type LargeSpan,
  type LargeSpanResult,
  type LargeText,
  type LargeTextResult,
  type ThreadMessage,
} from './large-job.ts'

/** What may be in the worker thread at a time, in bytes; a text counts two for each UTF-16 code unit. */
const maxPendingSizeBytes = 128 * 1024 * 1024
/** How long a job may take. Only an expression of the application that never comes to an end takes so long. */
const defaultDeadlineMillis = 10_000

interface PendingJob {
  readonly job: LargeJob
  readonly sizeBytes: number
  readonly resolve: (result: LargeJobResult | undefined) => void
}

/**
 * One worker thread for all destinations, started by the first job. It keeps the process alive only while it has
 * work. Where no thread can be started, in a bundle say, the work is done on this one.
 */
export class LargeJobs {
  readonly #file: URL
  readonly #deadlineMillis: number
  #worker: Worker | undefined
  /** Entered when a thread ends before it has loaded its program; never left. */
  #isUnavailable = false
  /** Whether the thread has loaded its program. */
  #isReady = false
  #nextId = 0
  #pendingSizeBytes = 0
  #deadline: NodeJS.Timeout | undefined
  readonly #jobs = new Map<number, PendingJob>()

  /** @param file the program of the thread */
  constructor(file: URL = threadFile(), deadlineMillis = defaultDeadlineMillis) {
    this.#file = file
    this.#deadlineMillis = deadlineMillis
  }

  /** Whether the work is done on this thread, because no other can be started. */
  get runsHere(): boolean {
    return this.#isUnavailable
  }

  /** Bytes that are in the thread. */
  get pendingSizeBytes(): number {
    return this.#pendingSizeBytes
  }

  /**
   * Does a job elsewhere.
   *
   * @returns nothing where it failed, took too long, or where too much is waiting: then nothing of a text may leave
   */
  run(job: LargeText): Promise<LargeTextResult | undefined>
  run(job: LargeSpan): Promise<LargeSpanResult | undefined>
  run(job: LargeJob): Promise<LargeJobResult | undefined> {
    const sizeBytes = 'bytes' in job ? job.bytes.length : job.text.length * 2
    if (this.#pendingSizeBytes + sizeBytes > maxPendingSizeBytes) return Promise.resolve(undefined)
    if (this.#isUnavailable) return Promise.resolve(here(job))
    return new Promise((resolve) => {
      const id = this.#nextId++
      this.#jobs.set(id, { job, sizeBytes, resolve })
      this.#pendingSizeBytes += sizeBytes
      this.#post(id, job)
    })
  }

  #post(id: number, job: LargeJob): void {
    try {
      this.#worker ??= this.#start()
      this.#worker.ref()
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage({ id, job })
      if (this.#isReady) this.#startClock()
    } catch {
      this.#gone()
    }
  }

  #start(): Worker {
    // Without arguments and environment: what they load into the process, tracing first of all, is not for this thread.
    const worker = new Worker(this.#file, { name: 'runspan large values', execArgv: [], env: {} })
    worker.on('message', (message: ThreadMessage) => {
      if (message === 'ready') {
        this.#isReady = true
        this.#startClock()
      } else this.#settle(message.id, message.result)
    })
    worker.on('error', () => this.#gone(worker))
    worker.on('exit', () => this.#gone(worker))
    return worker
  }

  #settle(id: number, result: LargeJobResult | undefined): void {
    const pending = this.#jobs.get(id)
    if (pending === undefined) return
    this.#jobs.delete(id)
    this.#pendingSizeBytes -= pending.sizeBytes
    this.#stopClock()
    if (this.#jobs.size === 0) this.#worker?.unref()
    else if (this.#isReady) this.#startClock()
    pending.resolve(result)
  }

  #forgetWorker(): void {
    this.#worker = undefined
    this.#isReady = false
    this.#stopClock()
  }

  /** The clock of the job that the thread is at. */
  #startClock(): void {
    if (this.#jobs.size > 0) this.#deadline ??= setTimeout(() => this.#overdue(), this.#deadlineMillis).unref()
  }

  #stopClock(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /** Jobs are done in order, so it is the first one that hangs. */
  #overdue(): void {
    const worker = this.#worker
    this.#forgetWorker()
    void worker?.terminate()
    this.#skipFirst()
  }

  /** The thread ended by itself: it could not load its program, or its job was too much for it. */
  #gone(worker = this.#worker): void {
    if (worker !== this.#worker) return
    const wasReady = this.#isReady
    this.#forgetWorker()
    if (wasReady) {
      this.#skipFirst()
      return
    }
    this.#isUnavailable = true
    for (const [id, { job }] of this.#jobs) this.#settle(id, here(job))
  }

  /** What ended a thread would end the next, or this one: nothing comes of it. The others are done again. */
  #skipFirst(): void {
    const first = this.#jobs.keys().next()
    if (!first.done) this.#settle(first.value, undefined)
    for (const [id, { job }] of this.#jobs) this.#post(id, job)
  }
}

function here(job: LargeJob): LargeJobResult | undefined {
  try {
    return doLargeJob(job)
  } catch {
    return undefined
  }
}

/** Beside this file, built or not. */
function threadFile(): URL {
  return new URL(`./large-job-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url)
}

/** The one of this process. */
export const largeJobs = new LargeJobs()
