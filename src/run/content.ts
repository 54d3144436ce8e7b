import type { Attributes, Span } from '@opentelemetry/api'

import {
  ATTR_GEN_AI_INPUT_MESSAGES,
  ATTR_GEN_AI_OUTPUT_MESSAGES,
  ATTR_GEN_AI_TOOL_CALL_ARGUMENTS,
  ATTR_GEN_AI_TOOL_CALL_RESULT,
  ATTR_PREFIX_RUNSPAN_METADATA,
  ATTR_RUNSPAN_INPUT,
  ATTR_RUNSPAN_OUTPUT,
} from '../attributes.ts'
import { safeJson } from '../internal/safe-json.ts'
import { shared } from './shared.ts'
import { count } from './stats.ts'

/** Whether what the code passes explicitly may be recorded. */
export function recordsExplicit(): boolean {
  return shared().settings.content !== 'off'
}

/** Whether what Runspan could take by itself may be recorded: arguments, results, chunks. */
export function recordsAll(): boolean {
  return shared().settings.content === 'all'
}

/**
 * The one redaction point: every text that may hold content passes here.
 *
 * @returns the text to record, or `undefined` where the redaction failed and nothing may be recorded
 */
export function redacted(text: string, key: string): string | undefined {
  const redact = shared().settings.redact
  if (redact === undefined) return text
  try {
    const result = redact(text, { key })
    if (typeof result === 'string') return result
    count('redactionErrors', `redact returned ${typeof result} for ${key}; the value was left out. Return a string.`)
  } catch (error) {
    count('redactionErrors', `redact threw for ${key}; the value was left out.`, error)
  }
  return undefined
}

/** A value as redacted JSON, or `undefined` where there is nothing to record. */
function contentText(value: unknown, key: string): string | undefined {
  const text = safeJson(value)
  return text === undefined ? undefined : redacted(text, key)
}

/** Records one value, if content may be recorded at all. */
export function recordContent(span: Span, key: string, value: unknown): void {
  if (!recordsExplicit() || !span.isRecording()) return
  const text = contentText(value, key)
  if (text !== undefined) span.setAttribute(key, text)
}

/** Where the input of a span stands: a tool's arguments and lists of messages have keys in the conventions. */
export function inputKeyOf(value: unknown, isTool: boolean): string {
  if (isTool) return ATTR_GEN_AI_TOOL_CALL_ARGUMENTS
  return isMessageList(value) ? ATTR_GEN_AI_INPUT_MESSAGES : ATTR_RUNSPAN_INPUT
}

/** {@link inputKeyOf} for its output. */
export function outputKeyOf(value: unknown, isTool: boolean): string {
  if (isTool) return ATTR_GEN_AI_TOOL_CALL_RESULT
  return isMessageList(value) ? ATTR_GEN_AI_OUTPUT_MESSAGES : ATTR_RUNSPAN_OUTPUT
}

/** Records metadata, a key each: simple values as they are, others as JSON. */
export function recordMetadata(span: Span, metadata: Readonly<Record<string, unknown>>): void {
  if (!recordsExplicit() || !span.isRecording()) return
  for (const [name, value] of entriesOf(metadata)) {
    const key = ATTR_PREFIX_RUNSPAN_METADATA + name
    if (typeof value === 'number' || typeof value === 'boolean') {
      if (typeof value === 'boolean' || Number.isFinite(value)) span.setAttribute(key, value)
      continue
    }
    const text = typeof value === 'string' ? redacted(value, key) : contentText(value, key)
    if (text !== undefined) span.setAttribute(key, text)
  }
}

/** Attributes of a span event, with every text redacted. */
export function eventAttributes(attributes: Attributes | undefined): Attributes | undefined {
  if (attributes === undefined || shared().settings.redact === undefined) return attributes
  const result: Attributes = {}
  for (const [key, value] of entriesOf(attributes)) {
    if (typeof value === 'string') {
      const text = redacted(value, key)
      if (text !== undefined) result[key] = text
    } else if (Array.isArray(value)) {
      result[key] = value.map((part: unknown) =>
        typeof part === 'string' ? (redacted(part, key) ?? '') : part,
      ) as string[]
    } else {
      result[key] = value as number
    }
  }
  return result
}

/** `Object.entries` that survives hostile objects. */
function entriesOf(object: Readonly<Record<string, unknown>>): readonly (readonly [string, unknown])[] {
  try {
    return Object.entries(object)
  } catch (error) {
    count('internalErrors', 'could not read the keys of a value that was to be recorded', error)
    return []
  }
}

/** Whether a value is a list of chat messages, as every provider has them: objects with a role. */
function isMessageList(value: unknown): boolean {
  try {
    return (
      Array.isArray(value) &&
      value.length > 0 &&
      value.every(
        (part: unknown) =>
          typeof part === 'object' && part !== null && typeof (part as { role?: unknown }).role === 'string',
      )
    )
  } catch {
    return false
  }
}
