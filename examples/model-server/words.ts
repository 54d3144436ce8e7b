const common = new Set(
  'a about after all also an and are as at be by can could do does for from has have how if in into is it its more most much not of on one or should than that the their then there these this to was what when where which who why will with would'.split(
    ' ',
  ),
)

/** The words that carry a text's meaning, in order, each once. */
export function keywords(text: string): string[] {
  const words = text.toLowerCase().match(/\p{L}{3,}/gu) ?? []
  return [...new Set(words.filter((word) => !common.has(word)))]
}

/** How many keywords two texts share. */
export function overlap(left: string, right: string): number {
  const words = new Set(keywords(left))
  return keywords(right).filter((word) => words.has(word)).length
}
