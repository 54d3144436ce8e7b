import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node'

/** Keeps every span that ends, and knows how many are still open. */
export class Recorder implements SpanProcessor {
  #ended: ReadableSpan[] = []
  #open = 0
  #onIdle: (() => void) | undefined

  onStart(): void {
    this.#open++
  }

  onEnd(span: ReadableSpan): void {
    this.#ended.push(span)
    this.#open--
    if (this.#open === 0) this.#onIdle?.()
  }

  /** Hands over what ended since the last call. Waits at most `timeoutMillis` for spans that are open. */
  async take(timeoutMillis: number): Promise<{ readonly spans: readonly ReadableSpan[]; readonly open: number }> {
    if (this.#open > 0) {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve))
      let timer: NodeJS.Timeout | undefined
      const expired = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMillis)))
      await Promise.race([idle, expired])
      clearTimeout(timer)
      this.#onIdle = undefined
    }
    const spans = this.#ended
    const open = this.#open
    this.#ended = []
    this.#open = 0
    return { spans, open }
  }

  forceFlush(): Promise<void> {
    return Promise.resolve()
  }

  shutdown(): Promise<void> {
    return Promise.resolve()
  }
}
