import type { Case } from '../harness/producer.ts'

/**
 * The same cases without `wrapAgent`: the producer's own topmost span has to become the run. One of them is done below a
 * server's span, too, where it has to have totals of its own.
 *
 * @throws where a title is none of a case
 */
export function unwrapped(cases: readonly Case[], titles: readonly string[], belowServer: string): readonly Case[] {
  const caseOf = (title: string): Case => {
    const found = cases.find((one) => one.title === title)
    if (found === undefined)
      throw new Error(`Failed to leave a case unwrapped: there is no ${title}. Name one that is there.`)
    return found
  }
  return [
    ...titles.map((title) => ({ ...caseOf(title), title: `unwrapped: ${title}`, adopted: true })),
    {
      ...caseOf(belowServer),
      title: `unwrapped: ${belowServer}, below a server’s span`,
      adopted: true,
      below: 'server',
    },
  ]
}
