/**
 * The unit of the run bench: one agent run of three spans (root, one model call with the usual six `gen_ai`
 * attributes, one tool call), written with the raw api and in the ways people write it with Runspan.
 */
import { SpanKind, context, trace, type Tracer } from '@opentelemetry/api'
import { llm, tool, wrapAgent } from 'runspan'

export type Unit = () => Promise<unknown>

const question = 'what is a span?'

/** What a model client returns, in OpenAI's shape. */
const answer = { model: 'gpt-4.1-mini', usage: { prompt_tokens: 812, completion_tokens: 64 } }

const modelAttributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.provider.name': 'openai',
  'gen_ai.request.model': 'gpt-4.1-mini',
}
const toolAttributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' }
const agentAttributes = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'planner' }

/** One model call and one tool call as an instrumentation writes them: each active while its work goes on. */
function rawCalls(tracer: Tracer): () => number {
  const callModel = (): typeof answer =>
    tracer.startActiveSpan('chat gpt-4.1-mini', { kind: SpanKind.CLIENT, attributes: modelAttributes }, (span) => {
      try {
        span.setAttribute('gen_ai.response.model', answer.model)
        span.setAttribute('gen_ai.usage.input_tokens', answer.usage.prompt_tokens)
        span.setAttribute('gen_ai.usage.output_tokens', answer.usage.completion_tokens)
        return answer
      } finally {
        span.end()
      }
    })
  const callTool = (text: string): number =>
    tracer.startActiveSpan('execute_tool search', { attributes: toolAttributes }, (span) => {
      try {
        return text.length
      } finally {
        span.end()
      }
    })
  return () => {
    callModel()
    return callTool(question)
  }
}

/** The three spans by hand, the first a root where nothing is active. Each is ended in `finally`, as code that cares does. */
export function rawUnit(tracer: Tracer): Unit {
  const calls = rawCalls(tracer)
  return () =>
    tracer.startActiveSpan('invoke_agent planner', { attributes: agentAttributes }, async (root) => {
      try {
        return calls()
      } finally {
        root.end()
      }
    })
}

/**
 * By hand what Runspan leaves where something was active already: a fourth span there, a link forward and a link back.
 */
export function rawDispatchedUnit(tracer: Tracer): Unit {
  const calls = rawCalls(tracer)
  const link = { 'runspan.link.type': 'trigger' }
  return () =>
    tracer.startActiveSpan(
      'invoke_agent planner',
      { kind: SpanKind.CLIENT, attributes: agentAttributes },
      async (dispatch) => {
        try {
          const links = [{ context: dispatch.spanContext(), attributes: link }]
          return await tracer.startActiveSpan(
            'invoke_agent planner',
            { root: true, attributes: agentAttributes, links },
            async (root) => {
              dispatch.addLink({ context: root.spanContext(), attributes: link })
              dispatch.setAttribute('runspan.child_run.id', root.spanContext().traceId)
              try {
                return calls()
              } finally {
                root.end()
              }
            },
          )
        } finally {
          dispatch.end()
        }
      },
    )
}

/** Our run around spans that somebody else writes: an AI SDK, an instrumentation. */
export function wrappedUnit(tracer: Tracer, options: { readonly dispatchSpan?: boolean } = {}): Unit {
  const calls = rawCalls(tracer)
  return () => wrapAgent('planner', async () => calls(), options)
}

/** All three spans by Runspan. */
export function ownUnit(): Unit {
  const callModel = llm('answer', () => answer, { model: 'gpt-4.1-mini', provider: 'openai' })
  const callTool = tool('search', (text: string) => text.length)
  return () =>
    wrapAgent('planner', async () => {
      callModel()
      return callTool(question)
    })
}

/** Runs a unit while a server's span is active. */
export function insideSpan(tracer: Tracer, unit: Unit): Unit {
  const span = tracer.startSpan('GET /ask', { kind: SpanKind.SERVER })
  const inside = trace.setSpan(context.active(), span)
  return () => context.with(inside, unit)
}
