import type { ReplayedSpan } from './spans.ts'

const scope = 'com.anthropic.claude_code.tracing'
const request: ReplayedSpan = {
  name: 'claude_code.llm_request',
  scope,
  attributes: { 'span.type': 'llm_request', model: 'claude-sonnet-4-5', 'llm_request.context': 'interaction' },
  late: { input_tokens: 100, output_tokens: 50, cache_read_tokens: 2000, cache_creation_tokens: 1000, success: true },
}
const tool = (name: string, below: readonly ReplayedSpan[]): ReplayedSpan => ({
  name: 'claude_code.tool',
  scope,
  isTool: true,
  attributes: { 'span.type': 'tool', tool_name: name },
  below: [
    { name: 'claude_code.tool.blocked_on_user', scope, attributes: { 'span.type': 'tool.blocked_on_user' } },
    { name: 'claude_code.tool.execution', scope, attributes: { 'span.type': 'tool.execution' }, below },
  ],
})

/** The documented spans of Claude Code and the Claude Agent SDK: bare keys, cached input beside the input. */
export const claudeCode: readonly ReplayedSpan[] = [
  {
    name: 'claude_code.interaction',
    scope,
    attributes: { 'span.type': 'interaction', 'interaction.sequence': 1 },
    below: [request, tool('Task', [request]), tool('Read', []), request],
  },
]

/** The same, with a call that fails before it answers. */
export const claudeCodeFailing: readonly ReplayedSpan[] = [
  { ...claudeCode[0]!, below: [{ ...request, late: { success: false }, failed: true }, request] },
]
