import type { StoredSpan } from '../../src/query/stored-span.ts'

const startUnixNano = 1_763_000_000_000_000_000n
const resource = { attributes: { 'service.name': 'many' } }
const scope = { name: 'many' }

/** A run id that says which one it is; spread over the whole range, as random ones are. */
export function manyId(index: number): string {
  const spread = Math.imul(index + 1, 2_654_435_761) >>> 0
  return spread.toString(16).padStart(8, '0') + (index + 1).toString(16).padStart(24, '0')
}

/** The spans of one of many runs: a root with a rollup, and model calls below it. */
export function manySpans(index: number, count: number, parent?: number): readonly StoredSpan[] {
  const traceId = manyId(index)
  const rootId = traceId.slice(16)
  const from = startUnixNano + BigInt(index) * 1_000_000n
  return Array.from({ length: count }, (_, at): StoredSpan => {
    const isRoot = at === 0
    return {
      traceId,
      spanId: isRoot ? rootId : (at + 1).toString(16).padStart(8, '0') + rootId.slice(8),
      ...(isRoot ? {} : { parentSpanId: rootId }),
      flags: 1,
      name: isRoot ? 'invoke_agent many' : 'chat small',
      kind: isRoot ? 'internal' : 'client',
      startUnixNano: from + BigInt(at) * 1_000n,
      endUnixNano: from + BigInt(isRoot ? count + 1 : at + 1) * 1_000n,
      status: { code: 'unset' },
      attributes: isRoot ? rootAttributes(traceId, count, parent) : callAttributes,
      events: [],
      links: [],
      resource,
      scope,
    }
  })
}

const callAttributes = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.request.model': 'small',
  'gen_ai.provider.name': 'house',
  'gen_ai.usage.input_tokens': 100,
  'gen_ai.usage.output_tokens': 5,
  'runspan.call.cost.nano_usd': 50,
}

function rootAttributes(traceId: string, count: number, parent: number | undefined): StoredSpan['attributes'] {
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': 'many',
    'runspan.run.id': traceId,
    'runspan.run.status': 'completed',
    ...(parent === undefined ? {} : { 'runspan.parent_run.id': manyId(parent) }),
    'runspan.rollup.scope': 'run',
    'runspan.rollup.complete': true,
    'runspan.usage.input_tokens': 100 * (count - 1),
    'runspan.cost.nano_usd': 50 * (count - 1),
    'runspan.calls.llm': count - 1,
    'runspan.spans': count,
  }
}
