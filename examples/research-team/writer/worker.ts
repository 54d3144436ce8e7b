/**
 * Takes reports to write from the queue, one at a time. Nobody waits for it.
 *
 * @module
 */
import { stopTelemetry } from './telemetry.ts'

import { requireVariable } from '../team/environment.ts'
import { announceReady, stopInOrder } from '../team/lifetime.ts'
import type { ReportJob } from '../team/report-job.ts'
import { SpoolQueue } from '../team/spool-queue.ts'
import { writeReport } from './writer.ts'

const reports = await new SpoolQueue<ReportJob>(requireVariable('QUEUE_DIRECTORY')).open()
const directory = requireVariable('REPORT_DIRECTORY')
const stopping = new AbortController()

async function work(): Promise<void> {
  for await (const job of reports.take(stopping.signal)) {
    try {
      await reports.complete(job, await writeReport(job, directory))
    } catch (error) {
      await reports.fail(job, error)
    }
  }
}

const working = work()
stopInOrder(
  () => stopping.abort(),
  () => working,
  stopTelemetry,
)
announceReady()
