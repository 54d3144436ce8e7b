import { SpanKind, type Attributes } from '@opentelemetry/api'

import { registerNodeSdk } from '../../harness/node-sdk.ts'
import type { Producer } from '../../harness/producer.ts'
import { replay, type Bill, type ReplayedSpan } from './spans.ts'

const claude: Bill = {
  model: 'claude-sonnet-4-5',
  endpoint: '/v1/messages',
  input: 3100,
  cacheRead: 2000,
  cacheWrite: 1000,
  output: 50,
}
const first: Bill = { input: 300, cacheRead: 128, output: 20, reasoning: 5 }
const second: Bill = { input: 420, output: 30 }
const embedded: Bill = { model: 'text-embedding-3-small', endpoint: '/v1/embeddings', input: 12, output: 0 }

/** The documented spans of Claude Code and the Claude Agent SDK: bare keys, cached input beside the input. */
function claudeCode(): readonly ReplayedSpan[] {
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
  return [
    {
      name: 'claude_code.interaction',
      scope,
      attributes: { 'span.type': 'interaction', 'interaction.sequence': 1 },
      below: [request, tool('Task', [request]), tool('Read', []), request],
    },
  ]
}

function claudeCodeFailing(): readonly ReplayedSpan[] {
  const [interaction] = claudeCode()
  const [request] = interaction!.below!
  const failed = { ...request!, late: { success: false }, failed: true }
  return [{ ...interaction!, below: [failed, request!] }]
}

/** Both sides of the Claude API write the usage of one call. */
function claudePlatform(): readonly ReplayedSpan[] {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.request.model': 'claude-sonnet-4-5',
    'gen_ai.usage.input_tokens': 3100,
    'gen_ai.usage.output_tokens': 50,
    'gen_ai.usage.cache_read.input_tokens': 2000,
    'gen_ai.usage.cache_creation.input_tokens': 1000,
  }
  const scope = 'com.anthropic.claude-platform'
  return [
    {
      name: 'anthropic.messages.create',
      scope: 'com.anthropic.sdk.typescript',
      kind: SpanKind.CLIENT,
      attributes,
      below: [
        {
          name: 'messages',
          scope,
          kind: SpanKind.SERVER,
          attributes,
          below: [{ name: 'inference', scope, attributes }],
        },
      ],
    },
  ]
}

const model = { 'gen_ai.request.model': 'gpt-4.1-mini', 'gen_ai.response.model': 'gpt-4.1-mini-2025-04-14' }

function usage({ input, output }: Bill): Attributes {
  return { 'gen_ai.usage.input_tokens': input, 'gen_ai.usage.output_tokens': output }
}

const both = { input: first.input + second.input, output: first.output + second.output }

/** `gen_ai.*` spans of `@sentry/node`: the agent repeats the sum, the total is beside its parts, cached input has a name of its own. */
function sentry(): readonly ReplayedSpan[] {
  const span = (operation: string, more: object): ReplayedSpan => ({
    name: `${operation} gpt-4.1-mini`,
    scope: '@sentry/node',
    attributes: { 'sentry.op': `gen_ai.${operation}`, 'gen_ai.operation.name': operation, 'gen_ai.system': 'openai' },
    ...more,
  })
  const call = (bill: Bill, more: Attributes = {}): ReplayedSpan =>
    span('chat', {
      late: { ...model, ...usage(bill), 'gen_ai.usage.total_tokens': bill.input + bill.output, ...more },
    })
  const details = { 'gen_ai.usage.input_tokens.cached': 128, 'gen_ai.usage.output_tokens.reasoning': 5 }
  return [
    span('invoke_agent', {
      late: { ...model, ...usage(both), 'gen_ai.usage.total_tokens': both.input + both.output },
      below: [
        call(first, details),
        span('execute_tool', { isTool: true, late: { 'gen_ai.tool.name': 'search' } }),
        call(second),
      ],
    }),
  ]
}

/** `observe` around calls that Laminar traces itself; its functions carry no mark of an agent. */
function laminar(): readonly ReplayedSpan[] {
  const span = (name: string, type: string, more: object): ReplayedSpan => ({
    name,
    scope: 'lmnr.openai',
    attributes: { 'lmnr.span.type': type, 'lmnr.span.path': ['librarian', name] },
    ...more,
  })
  const call = (bill: Bill, more: Attributes = {}): ReplayedSpan =>
    span('openai.chat', 'LLM', {
      late: {
        'gen_ai.system': 'openai',
        ...model,
        ...usage(bill),
        'llm.usage.total_tokens': bill.input + bill.output,
        ...more,
      },
    })
  const details = { 'gen_ai.usage.cache_read_input_tokens': 128, 'gen_ai.usage.reasoning_output_tokens': 5 }
  const embed = {
    'gen_ai.system': 'openai',
    'gen_ai.request.model': 'text-embedding-3-small',
    'gen_ai.usage.input_tokens': 12,
  }
  return [
    span('librarian', 'DEFAULT', {
      below: [
        call(first, details),
        span('search', 'TOOL', { isTool: true }),
        call(second),
        span('openai.embeddings', 'LLM', { late: embed }),
      ],
    }),
  ]
}

/** Runs as spans: their type under a key of its own, and the operation that LangSmith derives from it, for prompts too. */
function langSmith(): readonly ReplayedSpan[] {
  const operations: Readonly<Record<string, string>> = {
    llm: 'chat',
    prompt: 'chat',
    tool: 'execute_tool',
    embedding: 'embeddings',
  }
  const span = (name: string, kind: string, more: object): ReplayedSpan => ({
    name,
    scope: 'langsmith',
    attributes: {
      'langsmith.span.kind': kind,
      'gen_ai.operation.name': operations[kind] ?? kind,
      'langsmith.trace.name': name,
    },
    ...more,
  })
  const call = (bill: Bill, details: object = {}): ReplayedSpan =>
    span('ChatOpenAI', 'llm', {
      late: {
        'gen_ai.system': 'openai',
        ...model,
        ...usage(bill),
        'gen_ai.usage.total_tokens': bill.input + bill.output,
        'langsmith.usage_metadata': JSON.stringify({
          input_tokens: bill.input,
          output_tokens: bill.output,
          total_tokens: bill.input + bill.output,
          ...details,
        }),
      },
    })
  const details = { input_token_details: { cache_read: 128 }, output_token_details: { reasoning: 5 } }
  const embed = {
    'gen_ai.system': 'openai',
    'gen_ai.request.model': 'text-embedding-3-small',
    'gen_ai.usage.input_tokens': 12,
  }
  return [
    span('librarian', 'chain', {
      below: [
        span('ChatPromptTemplate', 'prompt', {}),
        call(first, details),
        span('search', 'tool', { isTool: true, late: { 'gen_ai.tool.name': 'search' } }),
        call(second),
        span('OpenAIEmbeddings', 'embedding', { late: embed }),
      ],
    }),
  ]
}

/** A turn of a Durable Object: the agent repeats the sum under the keys of its calls. */
function cloudflare(): readonly ReplayedSpan[] {
  const scope = 'agents'
  const provider = { 'gen_ai.provider.name': 'openai', ...model }
  const call = (bill: Bill, more: Attributes = {}): ReplayedSpan => ({
    name: 'chat gpt-4.1-mini',
    scope,
    kind: SpanKind.CLIENT,
    attributes: { 'gen_ai.operation.name': 'chat', ...provider },
    late: { ...usage(bill), ...more },
  })
  const details = { 'gen_ai.usage.cache_read.input_tokens': 128, 'gen_ai.usage.reasoning.output_tokens': 5 }
  return [
    {
      name: 'invoke_agent Librarian',
      scope,
      attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'Librarian' },
      late: { ...usage(both), ...details, 'cloudflare.agents.usage.total_tokens': both.input + both.output },
      below: [
        call(first, details),
        {
          name: 'execute_tool search',
          scope,
          isTool: true,
          attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
        },
        call(second),
      ],
    },
  ]
}

/** The aggregate of an agent goes on from the usage that it is handed, under keys of its own. */
function pydanticAi(): readonly ReplayedSpan[] {
  const scope = 'pydantic-ai'
  const call = (bill: Bill, more: Attributes = {}): ReplayedSpan => ({
    name: 'chat gpt-4.1-mini',
    scope,
    kind: SpanKind.CLIENT,
    attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', ...model },
    late: { ...usage(bill), ...more },
  })
  return [
    {
      name: 'invoke_agent librarian',
      scope,
      attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'librarian' },
      late: { 'gen_ai.aggregated_usage.input_tokens': 99_000, 'gen_ai.aggregated_usage.output_tokens': 9000 },
      below: [
        call(first, {
          'gen_ai.usage.cache_read.input_tokens': 128,
          'gen_ai.usage.reasoning.output_tokens': 5,
          'gen_ai.usage.details.reasoning_tokens': 5,
        }),
        {
          name: 'execute_tool search',
          scope,
          isTool: true,
          attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
        },
        call(second),
      ],
    },
  ]
}

/** Every attribute is JSON, marks and names too, and wrappers repeat what they wrap. */
function mlflow(): readonly ReplayedSpan[] {
  const span = (name: string, type: string, more: object): ReplayedSpan => ({
    name,
    scope: 'mlflow',
    attributes: { 'mlflow.spanType': JSON.stringify(type) },
    ...more,
  })
  const tokens = ({ input, output, cacheRead }: Bill): Attributes => ({
    'mlflow.chat.tokenUsage': JSON.stringify({
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      ...(cacheRead !== undefined && { cache_read_input_tokens: cacheRead }),
    }),
  })
  const named = { 'mlflow.llm.model': '"gpt-4.1-mini"', 'mlflow.llm.provider': '"openai"' }
  const call = (bill: Bill): ReplayedSpan => span('Completions', 'CHAT_MODEL', { late: { ...named, ...tokens(bill) } })
  return [
    span('librarian', 'AGENT', {
      late: { ...named, ...tokens(both) },
      below: [call(first), span('search', 'TOOL', { isTool: true }), call(second)],
    }),
  ]
}

/**
 * Spans of producers that need their own service, a signed-in client, another language or another kind of server, as
 * their published code and documentation write them.
 */
export const producer: Producer = {
  title: 'Producers that cannot run here',
  packages: [],
  showsTools: true,
  rollup: { adopt: 'agents' },
  start: (setUp) => void registerNodeSdk(setUp),
  cases: [
    ...replay('Claude Code, a tool and a sub-agent', claudeCode(), [claude, claude, claude]),
    ...replay('Claude Code, a call that fails', claudeCodeFailing(), [claude], { failed: { calls: 1 } }),
    ...replay('Claude API, spans of the client and of the platform', claudePlatform(), [claude], { unwrapped: false }),
    ...replay('Sentry, an agent', sentry(), [first, second]),
    ...replay('Laminar, a traced function', laminar(), [first, second, embedded], { unwrapped: false }),
    ...replay('LangSmith’s OpenTelemetry exporter', langSmith(), [first, second, embedded]),
    ...replay('Cloudflare Agents, a turn', cloudflare(), [first, second]),
    ...replay('Pydantic AI, an agent that goes on with earlier usage', pydanticAi(), [first, second]),
    ...replay('MLflow, an agent', mlflow(), [{ ...first, reasoning: 0 }, second]),
  ],
}
