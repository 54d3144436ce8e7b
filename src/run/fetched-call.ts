import { SpanStatusCode, type Context, type Span } from '@opentelemetry/api'

import { ATTR_ERROR_TYPE, ATTR_HTTP_RESPONSE_STATUS_CODE } from '../attributes.ts'
import { asFields, type Fields } from './answer-fields.ts'
import type { StopReason } from './follow/followed.ts'
import { ModelCall } from './model-call.ts'

/** A longer answer is not parsed as a whole: its usage stands near its end. */
const maxBodyLength = 4_194_304
const tailLength = 65_536

/** Events of a stream that say something of usage. OpenAI writes `"usage":null` into each of the others. */
const saysUsage = /"usage(?:Metadata)?"\s*:\s*\{/

/** How the streams of OpenAI and Anthropic end. */
const lastEvent = /^data:\s*(?:\[DONE\]|\{\s*"type"\s*:\s*"(?:message_stop|response\.(?:completed|incomplete|failed))")/

/**
 * A request to a model while its span is open. It reads the answer as its bytes pass: what a provider says of usage in
 * JSON, or in the events of a stream. Nothing is held back, and no byte is changed.
 */
export class FetchedCall extends ModelCall {
  #decoder: InstanceType<typeof TextDecoder> | undefined
  #isStream = false
  #text = ''
  #isCut = false
  #isDone = false

  constructor(span: Span, context: Context) {
    super(span, context, {})
  }

  /** Takes in the head of the answer. */
  answered({ status, headers }: Pick<Response, 'status' | 'headers'>): void {
    const type = headers.get('content-type') ?? ''
    this.#isStream = type.includes('event-stream')
    if (this.#isStream || type.includes('json')) this.#decoder = new TextDecoder()
    if (status < 400) return
    this.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status)
    this.setAttribute(ATTR_ERROR_TYPE, String(status))
    this.otelSpan.setStatus({ code: SpanStatusCode.ERROR })
  }

  override chunk(bytes: unknown): void {
    if (this.#decoder === undefined || !(bytes instanceof Uint8Array)) return
    this.#text += this.#decoder.decode(bytes, { stream: true })
    if (this.#isStream) this.#readEvents()
    else if (this.#text.length > maxBodyLength) {
      this.#text = this.#text.slice(-tailLength)
      this.#isCut = true
    }
  }

  /** Clients hang up on a stream that has said its last, too. */
  override stopped(reason: StopReason): void {
    if (this.#isDone) this.completed()
    else super.stopped(reason)
  }

  protected override beforeEnd(): void {
    const text = this.#text
    this.#text = ''
    if (this.#isStream) {
      // The first chunk has been seen; what is left is an event that nothing ended.
      this.#readEvent(text)
      super.beforeEnd(undefined)
    } else super.beforeEnd(this.#isCut ? usageAtTheEnd(text) : parsed(text))
  }

  #readEvents(): void {
    const end = this.#text.lastIndexOf('\n')
    if (end < 0) return
    const lines = this.#text.slice(0, end).split('\n')
    this.#text = this.#text.slice(end + 1)
    for (const line of lines) this.#readEvent(line)
  }

  #readEvent(line: string): void {
    if (!line.startsWith('data:')) return
    this.#isDone ||= lastEvent.test(line)
    // The first one is told, whatever it says: it is when the answer began.
    super.chunk(saysUsage.test(line) ? parsed(line.slice('data:'.length)) : undefined)
  }
}

function parsed(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json)
    // Gemini answers some streams as a list; the last part has the totals.
    return asFields(Array.isArray(value) ? value.at(-1) : value)
  } catch {
    return undefined
  }
}

/** The usage in the end of a long answer, which is a list of embeddings or of images. */
function usageAtTheEnd(tail: string): Fields | undefined {
  const start = tail.lastIndexOf('"usage"')
  if (start < 0) return undefined
  const from = tail.indexOf('{', start)
  if (from < 0) return undefined
  for (let end = tail.indexOf('}', from); end >= 0; end = tail.indexOf('}', end + 1)) {
    const usage = parsed(tail.slice(from, end + 1))
    if (usage !== undefined) return { usage }
  }
  return undefined
}
