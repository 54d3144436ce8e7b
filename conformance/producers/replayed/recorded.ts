import { readFileSync } from 'node:fs'

import { SpanKind, type Attributes } from '@opentelemetry/api'

import type { LedgerEntry } from '../../../examples/model-server/ledger.ts'
import type { Case } from '../../harness/producer.ts'
import { replayCase, type ReplayedSpan } from './spans.ts'

/** What a producer wrote in a process of its own, and what it was billed: made by `record/record.ts`. */
export interface Recording {
  readonly packages: Readonly<Record<string, string>>
  /** In the order in which they ended. */
  readonly spans: readonly {
    readonly name: string
    readonly scope: string
    readonly kind: keyof typeof SpanKind
    readonly id: string
    readonly parent: string | null
    readonly startedAt: number
    readonly attributes: Attributes
  }[]
  readonly ledger: readonly LedgerEntry[]
}

/** A case with the spans of a recording, every attribute at the end, as nobody knows when it was set. */
export function recorded(name: string, more: Partial<Case> = {}): Case {
  const file = new URL(`recorded/${name}.json`, import.meta.url)
  const { packages, spans, ledger } = JSON.parse(readFileSync(file, 'utf8')) as Recording
  const below = (parent: string | null): readonly ReplayedSpan[] =>
    spans
      .filter((span) => span.parent === parent)
      .toSorted((a, b) => a.startedAt - b.startedAt)
      .map((span) => ({
        name: span.name,
        scope: span.scope,
        kind: SpanKind[span.kind],
        late: span.attributes,
        isTool: span.attributes['gen_ai.operation.name'] === 'execute_tool',
        below: below(span.id),
      }))
  const versions = Object.entries(packages).map((entry) => entry.join('@'))
  return { ...replayCase(`recorded of \`${versions.join('`, `')}\``, below(null), ledger), ...more }
}
