import type { Counter, Histogram, MeterProvider } from '@opentelemetry/api'

import { VERSION } from '../internal/version.ts'

const secondsOfAgents = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6]
const callsOfAgents = [1, 2, 4, 8, 16, 32, 64, 128]
const usdOfRuns = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]

/** The instruments that runs report with. */
export interface RunInstruments {
  readonly inputTokens: Counter
  readonly outputTokens: Counter
  readonly cacheReadInputTokens: Counter
  readonly cacheWriteInputTokens: Counter
  readonly reasoningOutputTokens: Counter
  readonly cost: Counter
  readonly unpricedCalls: Counter
  readonly runs: Counter
  readonly runCost: Histogram
  readonly agentDuration: Histogram
  readonly agentInferenceCalls: Histogram
  readonly agentToolCalls: Histogram
}

/**
 * Makes them: names, units and buckets of `gen_ai.*` are the GenAI conventions' ("Inference token metrics", "Agent
 * metrics"); what they have no name for is under `runspan.`.
 */
export function createRunInstruments(provider: MeterProvider): RunInstruments {
  const meter = provider.getMeter('runspan', VERSION)
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { unit, description })
  const histogram = (name: string, unit: string, description: string, boundaries: number[]): Histogram =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: boundaries } })
  const tokens = (name: string, description: string): Counter =>
    counter(`gen_ai.client.inference.usage.${name}`, '{token}', description)
  return {
    inputTokens: tokens('input_tokens', 'Input tokens used, cached ones included.'),
    outputTokens: tokens('output_tokens', 'Output tokens used, reasoning included.'),
    cacheReadInputTokens: tokens('cache_read.input_tokens', "Input tokens read from the provider's cache."),
    cacheWriteInputTokens: tokens('cache_write.input_tokens', "Input tokens written to the provider's cache."),
    reasoningOutputTokens: tokens('reasoning.output_tokens', 'Output tokens used for reasoning.'),
    cost: counter('runspan.cost', '{USD}', 'Cost of model calls whose price is known.'),
    unpricedCalls: counter('runspan.calls.unpriced', '{call}', 'Model calls whose cost is in no sum.'),
    runs: counter('runspan.runs', '{run}', 'Runs that ended, by how they ended.'),
    runCost: histogram('runspan.run.cost', '{USD}', 'Cost of a run, as far as its process saw it.', usdOfRuns),
    agentDuration: histogram('gen_ai.invoke_agent.duration', 's', 'Duration of an agent.', secondsOfAgents),
    agentInferenceCalls: histogram(
      'gen_ai.invoke_agent.inference_calls',
      '{inference_call}',
      "An agent's own model calls, those of agents inside it left out.",
      callsOfAgents,
    ),
    agentToolCalls: histogram(
      'gen_ai.invoke_agent.tool_calls',
      '{tool_call}',
      "An agent's own tool calls, those of agents inside it left out.",
      callsOfAgents,
    ),
  }
}
