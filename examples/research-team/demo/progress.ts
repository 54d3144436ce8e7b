import type { StoredSpan } from 'runspan/query'

/**
 * Says in one line what a finished span was, if that is worth a line: model calls, tool calls, runs, joined work.
 *
 * Spans arrive when they have ended, so inner ones come first and a run's own line is its last.
 */
export function progressLine(span: StoredSpan): string | undefined {
  const what = describeSpan(span)
  return what === undefined ? undefined : `  ${text(span.resource.attributes['service.name']).padEnd(9)} ${what}`
}

function describeSpan(span: StoredSpan): string | undefined {
  const { attributes } = span
  const agent = text(attributes['gen_ai.agent.name'])
  if ('runspan.child_run.id' in attributes) {
    return span.kind === 'producer'
      ? `announced run ${text(attributes['runspan.child_run.id'])} of ${agent}`
      : undefined
  }
  if ('runspan.run.status' in attributes) {
    return `run ${span.traceId} of ${agent} ${text(attributes['runspan.run.status'])} after ${seconds(span)}`
  }
  if (attributes['runspan.segment'] === true) return `${span.name} joined run ${span.traceId}`
  const operation = text(attributes['gen_ai.operation.name'])
  if (operation === 'execute_tool') return `${span.name}: ${seconds(span)}`
  // The AI SDK makes two spans for one embedding; the inner one has the usage.
  const isModelCall = operation === 'chat' || (operation === 'embeddings' && 'gen_ai.usage.input_tokens' in attributes)
  return isModelCall ? `${span.name}: ${tokens(span)}` : undefined
}

function tokens({ attributes }: StoredSpan): string {
  const [input, cached, output] = ['input_tokens', 'cache_read.input_tokens', 'output_tokens'].map((key) =>
    Number(attributes[`gen_ai.usage.${key}`] ?? 0),
  )
  return `${input} tokens in${cached ? ` (${cached} cached)` : ''}${output ? `, ${output} out` : ''}`
}

function seconds({ startUnixNano, endUnixNano }: StoredSpan): string {
  return `${(Number(endUnixNano - startUnixNano) / 1e9).toFixed(1)} s`
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
