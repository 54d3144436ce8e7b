import { describe, expect, it } from 'vitest'

import { endRun, startRun, wrapAgent, type Run } from '../../src/index.ts'
import { deferred } from '../support/deferred.ts'
import { recordSpans } from '../support/record-spans.ts'
import { expectTrace } from '../support/trace-text.ts'

const status = 'runspan.run.status'
const reason = 'runspan.run.status_reason'

/** Work that stops when it is told to, as model clients do. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error)
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
}

const deadline = (): AbortController => {
  const controller = new AbortController()
  controller.abort(new DOMException('too slow', 'TimeoutError'))
  return controller
}

describe('run.signal', () => {
  it('follows options.signal, with its reason; a run that stops for it is cancelled, not failed', async () => {
    await using spans = recordSpans()
    const user = new AbortController()
    const running = wrapAgent('chat', (run) => untilAborted(run.signal), { signal: user.signal })
    const why = new Error('the user left')
    user.abort(why)
    await expect(running).rejects.toBe(why)
    expectTrace(spans.text({ status, reason })).toBe(`
      invoke_agent chat  status=cancelled reason=the user left
    `)
  })

  it('is aborted from the start where options.signal was', async () => {
    await using spans = recordSpans()
    const running = wrapAgent('chat', (run) => untilAborted(run.signal), { signal: AbortSignal.abort() })
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
    expectTrace(spans.text({ status })).toBe('invoke_agent chat  status=cancelled')
  })

  it('makes a timeout of a deadline, also where a client turns it into an abort of its own', async () => {
    await using spans = recordSpans()
    const plain = deadline().signal
    await expect(wrapAgent('plain', (run) => untilAborted(run.signal), { signal: plain })).rejects.toBe(plain.reason)
    const own = Object.assign(new Error('Request was aborted.'), { name: 'AbortError' })
    await expect(wrapAgent('client', () => Promise.reject(own), { signal: deadline().signal })).rejects.toBe(own)
    await expect(wrapAgent('unrelated', () => Promise.reject(own))).rejects.toBe(own)
    await expect(
      wrapAgent('failed', () => Promise.reject(new TypeError('odd')), { signal: deadline().signal }),
    ).rejects.toThrow('odd')
    expectTrace(spans.text({ status, type: 'error.type' })).toBe(`
      invoke_agent plain      status=timeout type=timeout ERROR
      invoke_agent client     status=timeout type=timeout ERROR
      invoke_agent unrelated  status=cancelled
      invoke_agent failed     status=failed type=TypeError ERROR
    `)
  })

  it('is aborted when somebody else ends the run, whether it was read before or is read after', async () => {
    await using spans = recordSpans()
    const gate = deferred()
    const readBefore = wrapAgent('before', (run) => untilAborted(run.signal))
    let later: Run | undefined
    const readAfter = wrapAgent('after', async (run) => {
      later = run
      await gate.promise
      return untilAborted(run.signal)
    })
    expect(endRun(spans.openRunId('before'), { status: 'cancelled' })).toBe(true)
    expect(endRun(later!.runId, { status: 'cancelled' })).toBe(true)
    gate.resolve()
    for (const running of [readBefore, readAfter]) {
      await expect(running).rejects.toMatchObject({ name: 'AbortError', message: expect.stringContaining('cancelled') })
    }
    expectTrace(spans.text({ status })).toBe(`
      invoke_agent before  status=cancelled
      invoke_agent after   status=cancelled
    `)
  })

  it('is not aborted by a run’s own end: work after the answer goes on', async () => {
    await using spans = recordSpans()
    let run: Run | undefined
    const { ended } = await wrapAgent('planner', (current) => {
      run = current
      return current.signal.aborted
    })
    await ended
    expect(run!.signal.aborted).toBe(false)
    expect(spans.all).toHaveLength(1)
  })
})

const fail = (run: Run): never => {
  run.setError(new TypeError('reported'))
  throw new RangeError('thrown')
}

describe('setStatus and setError', () => {
  it('survive a normal return; the chosen status wins over the error, the error over the return', async () => {
    await using spans = recordSpans()
    await wrapAgent('reported', (run) => run.setError(new TypeError('odd')).runId)
    await wrapAgent('chosen', (run) => run.setError(new TypeError('odd')).setStatus('completed', 'good enough').runId)
    await wrapAgent('cancelled', (run) => run.setStatus('cancelled', 'user said stop').runId)
    await wrapAgent('late', (run) => run.setStatus('timeout', 'after 5 turns').runId)
    await wrapAgent('aborted', (run) => run.setError(new DOMException('stop', 'AbortError')).runId)
    await wrapAgent('last word', (run) => run.setStatus('failed', 'first').setStatus('completed').runId)
    expectTrace(spans.text({ status, reason, type: 'error.type' })).toBe(`
      invoke_agent reported   status=failed type=TypeError ERROR
      invoke_agent chosen     status=completed reason=good enough
      invoke_agent cancelled  status=cancelled reason=user said stop
      invoke_agent late       status=timeout reason=after 5 turns type=timeout ERROR
      invoke_agent aborted    status=cancelled reason=stop
      invoke_agent last word  status=completed
    `)
  })

  it('decide over a throw too, unless they claim that what threw has completed', async () => {
    await using spans = recordSpans()
    await expect(wrapAgent('thrown', fail)).rejects.toThrow('thrown')
    await expect(wrapAgent('cancelled', (run) => fail(run.setStatus('cancelled')))).rejects.toThrow('thrown')
    await expect(wrapAgent('timeout', (run) => fail(run.setStatus('timeout')))).rejects.toThrow('thrown')
    await expect(wrapAgent('completed', (run) => fail(run.setStatus('completed')))).rejects.toThrow('thrown')
    const says = 'exception.message'
    expectTrace(spans.text({ status, type: 'error.type', says: (span) => span.events[0]?.attributes?.[says] })).toBe(`
      invoke_agent thrown     status=failed type=RangeError says=thrown ERROR
      invoke_agent cancelled  status=cancelled
      invoke_agent timeout    status=timeout type=timeout says=thrown ERROR
      invoke_agent completed  status=failed type=RangeError says=thrown ERROR
    `)
  })

  it('give way to the outcome of an end by hand', async () => {
    await using spans = recordSpans()
    startRun('import').setStatus('failed', 'so far').end({ status: 'completed' })
    startRun('import')
      .setError(new Error('so far'))
      .end({ error: new TypeError('in the end') })
    expectTrace(spans.text({ status, type: 'error.type' })).toBe(`
      invoke_agent import  status=completed
      invoke_agent import  status=failed type=TypeError ERROR
    `)
  })
})
