import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, vi } from 'vitest'

import { withSpan, wrapAgent } from '../../../src/index.ts'
import { shared } from '../../../src/run/shared.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordSpans } from '../../support/record-spans.ts'

function useFakeClock(): FakeClock {
  const before = shared().clock
  const clock = new FakeClock(() => (shared().clock = before))
  shared().clock = clock
  return clock
}

/** A stream whose reader only ever sees one branch of it, as with the views of an AI SDK result. */
function branching(): ReadableStream<string> {
  return new ReadableStream({ pull: (controller) => controller.enqueue('more') })
}

it('ends a run as cancelled a second after its caller cancelled, when the stream itself never learns of it', async () => {
  await using _ = recordSpans()
  using clock = useFakeClock()
  const caller = new AbortController()
  const { result, ended } = await wrapAgent('chat', () => branching(), { signal: caller.signal })
  const [branch] = result.tee()
  const reader = branch.getReader()
  await reader.read()
  caller.abort()
  void reader.cancel()
  // The branches read ahead: a step that is on its way is not idle.
  await delay(0)
  clock.advance(999)
  clock.advance(1)
  expect((await ended).status).toBe('cancelled')
})

it('ends it as a timeout, when what the caller cancelled with was a passed deadline', async () => {
  await using _ = recordSpans()
  using clock = useFakeClock()
  const caller = new AbortController()
  const { ended } = await wrapAgent('chat', () => branching(), { signal: caller.signal })
  caller.abort(new DOMException('too late', 'TimeoutError'))
  clock.advance(1000)
  expect((await ended).status).toBe('timeout')
})

it('lets a reader that goes on reading after the abort read to the end', async () => {
  await using _ = recordSpans()
  using clock = useFakeClock()
  const caller = new AbortController()
  const { result, ended } = await wrapAgent('chat', () => ReadableStream.from(['a', 'b', 'c']), {
    signal: caller.signal,
  })
  const chunks: string[] = []
  for await (const chunk of result) {
    chunks.push(chunk)
    caller.abort()
    clock.advance(900)
  }
  expect(chunks).toEqual(['a', 'b', 'c'])
  expect((await ended).status).toBe('completed')
  expect(clock.timers).toBeLessThanOrEqual(1)
})

it('ends the spans inside the run before it, so that nothing is late', async () => {
  await using spans = recordSpans()
  using clock = useFakeClock()
  const caller = new AbortController()
  const { result, runId, ended } = await wrapAgent('chat', () => withSpan('step', branching), { signal: caller.signal })
  await result.getReader().read()
  caller.abort('closed tab')
  await delay(0)
  clock.advance(1000)
  expect((await ended).status).toBe('cancelled')
  expect(spans.span('step').attributes['runspan.end_reason']).toBe('cancelled')
  expect(spans.root(runId).attributes).toMatchObject({ 'runspan.spans': 2, 'runspan.rollup.complete': true })
})

it('puts one listener on a signal that many streams share, and tells all of them', async () => {
  await using _ = recordSpans()
  using clock = useFakeClock()
  const caller = new AbortController()
  const add = vi.spyOn(caller.signal, 'addEventListener')
  const runs = await Promise.all(
    Array.from({ length: 12 }, () => wrapAgent('chat', branching, { signal: caller.signal })),
  )
  await runs[0]!.result.cancel()
  caller.abort()
  clock.advance(1000)
  const statuses = await Promise.all(runs.map(async ({ ended }) => (await ended).status))
  expect(new Set(statuses)).toEqual(new Set(['cancelled']))
  expect(add).toHaveBeenCalledTimes(1)
})
