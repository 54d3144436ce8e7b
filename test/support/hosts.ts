import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { expect } from 'vitest'

import { currentRunId, startRun, tool, withSpan, wrapAgent } from '../../src/index.ts'
import type { RecordedSpans } from './record-spans.ts'

/** A function's work as one of the ways to wrap it shows it. */
export interface Hosted<R> {
  /** What the caller got, awaited. */
  readonly result: R
  readonly runId: string
  /** The span that stands for the work, once it has ended. */
  span(): ReadableSpan | undefined
  /** Ends what is around the work. */
  close(): void
}

export interface Host {
  readonly name: string
  start<R>(spans: RecordedSpans, fn: () => R): Promise<Hosted<Awaited<R>>>
}

/** Every way to wrap a function that returns something. */
export const hosts: readonly Host[] = [
  {
    name: 'wrapAgent',
    async start(spans, fn) {
      const { result, runId } = await wrapAgent('host', fn)
      return { result, runId, span: () => find(spans, 'invoke_agent host'), close: () => {} }
    },
  },
  inRun('withSpan', 'host', (fn) => withSpan('host', fn)),
  inRun('tool', 'execute_tool host', (fn) => tool('host', fn)()),
]

/** A wrapper that is called inside a run; what it returns is used outside of it. */
function inRun(name: string, spanName: string, call: <R>(fn: () => R) => R): Host {
  return {
    name,
    async start(spans, fn) {
      const run = startRun('outer')
      try {
        const result = await run.with(() => call(fn))
        return { result, runId: run.runId, span: () => find(spans, spanName), close: () => void run.end() }
      } catch (error) {
        run.end()
        throw error
      }
    },
  }
}

function find(spans: RecordedSpans, name: string): ReadableSpan | undefined {
  const found = spans.all.filter((span) => span.name === name)
  expect(found.length).toBeLessThanOrEqual(1)
  return found[0]
}

/** How work ended, in one word and a reason: the same whatever wrapped it. */
export function endOf(span: ReadableSpan | undefined): string {
  if (span === undefined) return 'open'
  const { attributes, status } = span
  const stopped = attributes['runspan.run.status_reason'] ?? attributes['runspan.end_reason']
  if (status.code === SpanStatusCode.ERROR && stopped !== 'stream_idle')
    return `failed: ${String(attributes['error.type'])}`
  if (stopped === undefined) return 'completed'
  return stopped === 'stream_idle' ? 'abandoned: stream_idle' : `cancelled: ${String(stopped)}`
}

/** Notes where code runs: each step of the work is to be inside, each of its consumer outside. */
export class Whereabouts {
  readonly #inside: (string | undefined)[] = []
  readonly #spans: (string | undefined)[] = []
  #outside = 0

  /** Called by the work in each of its steps. */
  readonly step = (): void => {
    this.#inside.push(currentRunId())
    this.#spans.push(trace.getActiveSpan()?.spanContext().spanId)
  }

  /** Called by the consumer between its steps: no run is to be found there. */
  readonly outside = (): void => {
    this.#outside++
    expect(currentRunId(), 'the run leaked into its consumer').toBeUndefined()
    expect(trace.getActiveSpan(), 'a span leaked into the consumer').toBeUndefined()
  }

  /** Checks that there were `steps` steps, each in the work's own span, and that somebody looked outside. */
  expectSteps(steps: number, hosted: Hosted<unknown>): void {
    expect(this.#inside).toEqual(Array.from({ length: steps }, () => hosted.runId))
    const spanId = hosted.span()?.spanContext().spanId
    expect(this.#spans).toEqual(Array.from({ length: steps }, () => spanId))
    expect(this.#outside).toBeGreaterThan(0)
  }
}

/** Duration of a span in milliseconds. */
export function millisOf(span: ReadableSpan | undefined): number {
  return span === undefined ? Number.NaN : span.duration[0] * 1000 + span.duration[1] / 1e6
}
