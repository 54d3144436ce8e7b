import { walkFamily, type Family, type FamilyNode } from '../../src/query/family-tree.ts'

/** Families as indented lines: agent or first digits of the id, then whatever is not a plain run, then input tokens. */
export function familiesText(families: readonly Family[]): string {
  return families
    .map(({ root, totals }) =>
      [...walkFamily(root)]
        .map(({ node, depth }) => `${'  '.repeat(depth)}${nodeText(node)}`)
        .concat(`= ${totals.inputTokens}`)
        .join('\n'),
    )
    .join('\n')
}

function nodeText(node: FamilyNode): string {
  const name = node.agent ?? node.runId.slice(0, 4)
  if (node.kind !== 'run') return `${name} (${node.kind})`
  return `${name}${node.run.root === undefined ? ' (no root)' : ''} ${node.run.totals.inputTokens}`
}

/** A whole tree as it is written in a test. */
export function lines(text: string): string {
  const all = text.split('\n').filter((line) => line.trim() !== '')
  const indent = Math.min(...all.map((line) => line.length - line.trimStart().length))
  return all.map((line) => line.slice(indent).trimEnd()).join('\n')
}
