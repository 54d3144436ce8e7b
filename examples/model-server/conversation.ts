/** A function the model may ask for. */
export interface OfferedTool {
  readonly name: string
  readonly description: string
  readonly parameters: unknown
}

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON, as models write it. */
  readonly arguments: string
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
  readonly toolCalls?: readonly ToolCall[] | undefined
  /** Of a tool's result: the call it answers. */
  readonly toolCallId?: string | undefined
}

/** A request in any dialect, as the model sees it. */
export interface Conversation {
  readonly model: string
  readonly messages: readonly Message[]
  readonly tools: readonly OfferedTool[]
  /** JSON Schema that the answer has to follow. */
  readonly answerSchema?: unknown
}

/** What the model answers: a text, or calls of tools it wants made. */
export interface Answer {
  readonly text: string
  readonly toolCalls: readonly Omit<ToolCall, 'id'>[]
  /** Thoughts that are billed and never shown. */
  readonly reasoning: string
}

/**
 * The text that is billed as input: tools first and messages after them, as they reach the model.
 *
 * Ids of tool calls are left out: they differ from run to run, and the bill must not.
 */
export function renderPrompt({ tools, messages }: Conversation): string {
  return [...tools.map(renderTool), ...messages.map(renderMessage), '<|assistant|>'].join('')
}

/** A tool, as part of a prompt. */
export function renderTool(tool: OfferedTool): string {
  return `<|tool|>${JSON.stringify(tool)}\n`
}

/** A message, as part of a prompt. */
export function renderMessage({ role, content, toolCalls }: Message): string {
  return `<|${role}|>${content}${renderToolCalls(toolCalls)}\n`
}

/** The text that is billed as visible output. */
export function renderAnswer({ text, toolCalls }: Answer): string {
  return text + renderToolCalls(toolCalls)
}

function renderToolCalls(toolCalls: readonly Omit<ToolCall, 'id'>[] | undefined): string {
  return (toolCalls ?? []).map((call) => `<|call|>${call.name}${call.arguments}`).join('')
}

/** Results of earlier calls of one tool, in order. */
export function toolResults({ messages }: Conversation, toolName: string): string[] {
  const calls = messages.flatMap((message) => message.toolCalls ?? [])
  const ids = new Set(calls.filter((call) => call.name === toolName).map((call) => call.id))
  return messages
    .filter((message) => message.role === 'tool' && ids.has(message.toolCallId ?? ''))
    .map((message) => message.content)
}

/** Everything said in one role. */
export function textOf({ messages }: Conversation, role: Message['role']): string {
  return messages
    .filter((message) => message.role === role)
    .map((message) => message.content)
    .join('\n')
}
