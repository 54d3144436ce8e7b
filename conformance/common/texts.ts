/** What cases ask. */
export const question = 'What connects the spans of one trace to those of another?'

/** Long enough to be cached. */
export const longSystem = `You are a librarian of a library about distributed tracing, and you answer in few words.
${Array.from(
  { length: 12 },
  (_, index) =>
    `Rule ${index + 1}: name the shelf, the book and the page; say who wrote it, and what somebody else held against it.`,
).join('\n')}`
