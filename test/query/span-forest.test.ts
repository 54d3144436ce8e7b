import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { spanForest, type SpanNode } from '../../src/query/span-forest.ts'
import { idOf, span } from './stored-spans.ts'

const spanIdAt = (index: number) => `000000000000000${index}`

function idsOf(nodes: readonly SpanNode[]): readonly string[] {
  return nodes.flatMap((node) => [node.span.spanId, ...idsOf(node.children)])
}

describe('spanForest', () => {
  it('has every span once, whatever spans say of their parents', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(9)), { maxLength: 8 }), (parents) => {
        const spans = parents.map((parent, index) =>
          span(idOf('a1'), { spanId: spanIdAt(index), ...(parent === null ? {} : { parentSpanId: spanIdAt(parent) }) }),
        )
        expect(idsOf(spanForest(spans)).toSorted()).toEqual(spans.map(({ spanId }) => spanId))
      }),
    )
  })
})
