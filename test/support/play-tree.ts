import {
  SpanKind,
  SpanStatusCode,
  context,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api'

import { startRun } from '../../src/index.ts'
import { modelOf, naiveCost, reportedCost } from './naive-totals.ts'
import type { RandomTree, TreeSpan, TreeUsage } from './random-tree.ts'

/** Prices for the models of random trees. */
export function priceOfTrees(call: {
  readonly model: string
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadInputTokens: number
}): number | undefined {
  const { inputTokens: input, outputTokens: output, cacheReadInputTokens: cacheRead } = call
  return call.model === 'known-model' ? naiveCost({ input, output, cacheRead }) / 1e9 : undefined
}

/** What a span of a tree carries. */
export function attributesOf({ marks, usage }: TreeSpan): Attributes {
  if (usage === undefined) return marks
  const { input, output, cacheRead, cost } = usage
  const model = modelOf(usage)
  return {
    ...marks,
    'gen_ai.usage.input_tokens': input,
    'gen_ai.usage.output_tokens': output,
    ...(cacheRead === 0 ? {} : { 'gen_ai.usage.cache_read.input_tokens': cacheRead }),
    ...(model === undefined ? {} : { 'gen_ai.request.model': model }),
    ...(cost === 'reported' ? { 'gen_ai.usage.cost': reportedCost(usage) / 1e9 } : {}),
  }
}

/** What the run's own handle is told; the model goes with it, so that it can be priced. */
function selfReportOf(usage: TreeUsage): object {
  const { input, output, cacheRead, cost } = usage
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: cacheRead,
    model: modelOf(usage),
    ...(cost === 'reported' ? { costUsd: reportedCost(usage) / 1e9 } : {}),
  }
}

/** Plays a tree through the SDK as one run, and returns its run id and its spans' ids. */
export function playTree(
  tree: RandomTree,
  tracer: Tracer = trace.getTracer('random'),
): { readonly runId: string; readonly spanIds: readonly string[] } {
  const run = startRun('random', { tracer })
  if (tree.rootUsage !== undefined) run.setUsage(selfReportOf(tree.rootUsage))
  const contexts: Context[] = []
  const started: Span[] = []
  const rootContext = run.with(() => context.active())
  for (const { kind, index } of tree.steps) {
    if (kind === 'start') {
      const span = tree.spans[index]!
      const parent = span.parent === -1 ? rootContext : contexts[span.parent]!
      const kindOfSpan = span.role === 'remote-agent' ? SpanKind.CLIENT : SpanKind.INTERNAL
      started[index] = tracer.startSpan(span.role, { kind: kindOfSpan, attributes: attributesOf(span) }, parent)
      contexts[index] = trace.setSpan(parent, started[index])
    } else if (index === -1) {
      run.end(tree.rootFailed ? { status: 'failed' } : {})
    } else {
      if (tree.spans[index]!.failed) started[index]!.setStatus({ code: SpanStatusCode.ERROR })
      started[index]!.end()
    }
  }
  return { runId: run.runId, spanIds: started.map((span) => span.spanContext().spanId) }
}
