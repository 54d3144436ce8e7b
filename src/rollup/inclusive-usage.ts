import { providerIdOf } from './provider-id.ts'

/** What tells whether a span's cached input is in its input. */
export interface InputEvidence {
  readonly input: number
  /** -1 where the span says none. */
  readonly output: number
  /** -1 where the span says none. */
  readonly total: number
  /** Reads and writes, above 0. */
  readonly cached: number
  readonly scopeName: string | undefined
  readonly provider: string | undefined
  readonly model: string | undefined
  /** Whether it is written as the AI SDK up to version 5 does, which passes on what providers say. */
  readonly isAiSdk5: boolean
}

/** Instrumentations that pass on what Anthropic and Bedrock say, who report cached input beside the input. */
const besideScopes: ReadonlySet<string> = new Set([
  '@traceloop/instrumentation-anthropic',
  '@arizeai/openinference-instrumentation-bedrock',
])

/** Providers whose own numbers include what is cached: more cached than input is an error of theirs there. */
const insideProviders: ReadonlySet<string> = new Set(['azure', 'openai'])

/**
 * All input tokens of a call, cached ones included, whoever wrote the span. The conventions include them; who does not
 * is told by, in this order:
 *
 * 1. who wrote it: instrumentations that are known to pass on what Anthropic or Bedrock say, Strands with their models,
 *    the AI SDK up to version 5 with their models;
 * 2. its numbers: more cached than input, or a total that is the sum of input, output and cached.
 *
 * docs/prices.md has the table.
 */
export function inclusiveInput(evidence: InputEvidence): number {
  const { input, output, total, cached } = evidence
  const isBeside =
    isKnownToBeBeside(evidence) ||
    (cached > input && !insideProviders.has(providerIdOf(evidence.provider ?? ''))) ||
    total === input + Math.max(output, 0) + cached
  return isBeside ? input + cached : input
}

function isKnownToBeBeside({ scopeName, provider, model, isAiSdk5 }: InputEvidence): boolean {
  if (scopeName !== undefined && besideScopes.has(scopeName)) return true
  if (scopeName === 'strands-agents' || provider === 'strands-agents') return isClaude(model)
  return isAiSdk5 && provider !== undefined && reportsBeside(provider)
}

function isClaude(model: string | undefined): boolean {
  return model !== undefined && /^claude|anthropic\./.test(model)
}

/** `anthropic.messages`, `vertex.anthropic.messages`, `amazon-bedrock` … */
function reportsBeside(provider: string): boolean {
  return provider.includes('anthropic') || providerIdOf(provider) === 'aws'
}

/**
 * All output tokens of a call, reasoning included. Google reports it beside the output, and clients that pass that on
 * are told by their numbers: more reasoning than output, or a total that is the sum of all three.
 *
 * @param input inclusive
 * @param total -1 where the span says none
 */
export function inclusiveOutput(input: number, output: number, reasoning: number, total: number): number {
  return reasoning > output || total === input + output + reasoning ? output + reasoning : output
}
