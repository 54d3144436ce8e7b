/** How many names of one operation are remembered at most; then all are forgotten. */
const mostNames = 256
/** A longer subject, in characters, is none that comes again. */
const longestSubject = 256

/**
 * Names of spans, `{operation} {subject}`, each made once. What is put together anew for every span is a rope, which
 * whoever reads it by character has to flatten first: the rollup, and every exporter (docs/discoveries/rope-strings.md).
 */
export class SpanNames {
  readonly #operation: string
  readonly #names = new Map<string, string>()
  #lastSubject: string | undefined = undefined
  #lastName = ''

  /** @param operation the operation, as `gen_ai.operation.name` has it */
  constructor(operation: string) {
    this.#operation = operation
  }

  /** The name of a span that is about `subject`. */
  of(subject: string): string {
    // Callers in JavaScript may pass anything as a name, and are answered with a name.
    if (typeof subject !== 'string' || subject.length > longestSubject) return `${this.#operation} ${subject}`
    if (subject !== this.#lastSubject) {
      this.#lastName = this.#names.get(subject) ?? this.#make(subject)
      this.#lastSubject = subject
    }
    return this.#lastName
  }

  #make(subject: string): string {
    // Subjects are of low cardinality; where they are not, one sweep costs less than an order list.
    if (this.#names.size >= mostNames) this.#names.clear()
    // A key of an object is a flat string.
    const name = Object.keys({ [`${this.#operation} ${subject}`]: undefined })[0]!
    this.#names.set(subject, name)
    return name
  }
}

/** Names of the spans of agents. */
export const agentSpanNames = new SpanNames('invoke_agent')
