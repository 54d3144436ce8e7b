import { sumBill } from '../../model-server/ledger.ts'
import type { Bill, LedgerEntry } from '../../model-server/ledger.ts'
import type { WrittenReport } from '../team/report-job.ts'

/** One run of the demo, and what the model server billed for it. */
export interface DemoRun {
  readonly runId: string
  readonly agent: string
  readonly parentRunId?: string
  readonly bill: Bill
  /** The same bill, by the service that made the calls. */
  readonly billByService: Readonly<Record<string, Bill>>
}

/** What the demo prints with `--json`. */
export interface DemoReport {
  readonly question: string
  readonly conversationId: string
  readonly answer: string
  /** Where the spans went. */
  readonly endpoint: string
  readonly runs: readonly DemoRun[]
  readonly reports: readonly WrittenReport[]
  /** Every request to the model server, those for no run included. */
  readonly ledger: readonly LedgerEntry[]
  readonly durationMillis: number
}

/** Reads a run's bill out of the model server's books. */
export function billRun(
  run: Pick<DemoRun, 'runId' | 'agent' | 'parentRunId'>,
  ledger: readonly LedgerEntry[],
): DemoRun {
  const entries = ledger.filter((entry) => entry.runId === run.runId)
  const services = [...new Set(entries.map((entry) => entry.project ?? 'unknown'))]
  const billOf = (service: string) => sumBill(entries.filter((entry) => (entry.project ?? 'unknown') === service))
  return {
    ...run,
    bill: sumBill(entries),
    billByService: Object.fromEntries(services.map((service) => [service, billOf(service)])),
  }
}
