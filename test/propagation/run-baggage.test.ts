import { expect, it } from 'vitest'

import {
  currentRun,
  extractRun,
  injectRun,
  joinRun,
  propagationHeaders,
  withSpan,
  wrapAgent,
  type BaggageKey,
  type RunRef,
} from '../../src/index.ts'
import { recordSpans } from '../support/record-spans.ts'

const ids = { conversationId: 'c 1,ü', userId: 'u-7' }
const both: readonly BaggageKey[] = ['gen_ai.conversation.id', 'user.id']

it('sends no id unless its key is allowed', async () => {
  await using _ = recordSpans()
  const { result } = await wrapAgent(
    'planner',
    () =>
      [undefined, [], ['user.id'], both, ['secret' as never]].map(
        (baggage) => propagationHeaders({ baggage: baggage as never })['baggage'],
      ),
    ids,
  )
  expect(result).toEqual([
    undefined,
    undefined,
    'user.id=u-7',
    'gen_ai.conversation.id=c%201%2C%C3%BC,user.id=u-7',
    undefined,
  ])
})

it('puts the ids on every span of the part that joins, and no further', async () => {
  await using spans = recordSpans()
  const { result: carrier } = await wrapAgent('planner', () => injectRun({}, { baggage: both }), ids)
  const onward = joinRun(
    extractRun(carrier),
    () => {
      withSpan('work', () => {})
      return {
        headers: propagationHeaders(),
        again: propagationHeaders({ baggage: ['user.id'] }),
        ref: currentRun()!.ref,
      }
    },
    { name: 'part' },
  )
  for (const name of ['part', 'work']) {
    expect(spans.attributes(name)).toMatchObject({
      'gen_ai.conversation.id': ids.conversationId,
      'user.id': ids.userId,
    })
  }
  expect(onward.headers).not.toHaveProperty('baggage')
  expect(onward.again['baggage']).toBe('user.id=u-7')
  expect(JSON.stringify(onward.ref)).not.toContain('u-7')
})

it('keeps the baggage of others byte for byte, and replaces what it said itself', async () => {
  await using _ = recordSpans()
  await wrapAgent(
    'planner',
    () => {
      const carrier = { baggage: 'a=1;prop, user.id=old ,b = 2' }
      expect(injectRun({ ...carrier }).baggage).toBe(carrier.baggage)
      expect(injectRun(carrier, { baggage: ['user.id'] }).baggage).toBe('a=1;prop,b = 2,user.id=u-7')
    },
    ids,
  )
})

it('passes over what is malformed, oversized, or in a ref from somewhere else', async () => {
  await using spans = recordSpans()
  const { result: headers } = await wrapAgent('planner', () => propagationHeaders())
  const headersWith = (baggage: string): RunRef => extractRun({ ...headers, baggage })!
  for (const baggage of [
    'user.id',
    'user.id=',
    'user.id=%E0%A4',
    `user.id=${'x'.repeat(600)}`,
    `user.id=1,${'y'.repeat(9000)}`,
    '=,;=',
  ]) {
    expect(headersWith(baggage)).not.toHaveProperty('userId')
  }
  expect(headersWith('user.id=a;x=1,user.id=b').userId).toBe('a')
  joinRun({ ...headersWith(''), userId: { toString: 7 } as never }, () => {}, { name: 'part' })
  expect(spans.attributes('part')).not.toHaveProperty('user.id')
})
