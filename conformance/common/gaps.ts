import type { Case } from '../harness/producer.ts'

/** What a producer keeps to itself in one case, or in all: merged into the cases. */
export type Gap = Pick<Case, 'untold' | 'unsaid' | 'reduced' | 'unread' | 'failed'>

/** Gaps by the title of a case; `''` holds for every case. A title that no case has is an error. */
export type Gaps = Readonly<Record<string, Gap>>

/**
 * The cases with the gaps of one producer. Where a number that the producer hides is not in the bill of a case, the gap
 * changes nothing there.
 *
 * @throws where gaps name a case that is not there: it has a new title, or the gap is closed
 */
export function withGaps(cases: readonly Case[], gaps: Gaps): readonly Case[] {
  for (const title of Object.keys(gaps)) {
    if (title !== '' && !cases.some((one) => one.title === title)) {
      throw new Error(`Failed to describe a gap: there is no case ${title}. Name one that is there.`)
    }
  }
  return cases.map((one) => {
    const own = gaps[one.title]
    const unsaid = { ...one.unsaid, ...gaps['']?.unsaid, ...own?.unsaid }
    return { ...one, ...own, ...(Object.keys(unsaid).length > 0 && { unsaid }) }
  })
}
