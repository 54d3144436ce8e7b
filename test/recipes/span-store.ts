import { expect } from 'vitest'

import { runTreesOf, spanForest, type RunTree, type SpanNode, type StoredSpan } from '../../src/query/index.ts'
import { startReceiver, type Receiver } from '../../src/viewer/receiver/index.ts'
import { saysOpen } from '../support/says-open.ts'

/** What the programs of a recipe have exported, as readers find it. */
export class SpanStore implements AsyncDisposable {
  readonly url: string
  readonly #receiver: Receiver
  readonly #spans: StoredSpan[]

  constructor(receiver: Receiver, spans: StoredSpan[]) {
    this.url = receiver.url
    this.#receiver = receiver
    this.#spans = spans
  }

  /** Every run of which a span has come, in the order in which they started. */
  get runs(): readonly RunTree[] {
    return runTreesOf(this.#spans)
  }

  /** A run; fails where nothing of it has come. */
  run(runId: string): RunTree {
    const found = this.runs.find((run) => run.runId === runId)
    expect(found, `run ${runId} among ${JSON.stringify(this.runs.map(({ agent }) => agent))}`).toBeDefined()
    return found!
  }

  /** The runs of an agent whose roots have come, in the order in which they started. */
  runsOf(agent: string): readonly RunTree[] {
    return this.runs.filter((run) => run.agent === agent && run.root !== undefined)
  }

  /** A run as indented text: each span with the service that wrote it, but for those that only say that it is open. */
  text(runId: string): string {
    const lines: string[] = []
    const add = ({ span, children }: SpanNode, depth: number): void => {
      const service = span.resource.attributes['service.name'] as string
      lines.push(`${'  '.repeat(depth)}${service}: ${span.name}`)
      for (const child of children) add(child, depth + 1)
    }
    const spans = this.run(runId).spans.filter(({ name }) => !saysOpen(name))
    for (const node of spanForest(spans)) add(node, 0)
    return lines.join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#receiver.close()
  }
}

export async function startSpanStore(): Promise<SpanStore> {
  const spans: StoredSpan[] = []
  const receiver = await startReceiver({ port: 0, onSpans: (received) => void spans.push(...received) })
  return new SpanStore(receiver, spans)
}
