/**
 * The day on which each version of `@pydantic/genai-prices` was published, which is the latest that its prices can be
 * from. Neither the package nor its data say so, and nothing is fetched: a version that is not here has no date.
 */
export const publishedOnByVersion: Readonly<Record<string, string>> = {
  '0.1.7': '2026-09-16',
  '0.1.8': '2026-09-23',
}
