/**
 * What few calls report beside their tokens: kinds of tokens that have prices of their own, and the provider's tier of
 * service. Every count is a part of a total of the call.
 */
export interface CallDetails {
  /** Part of the cache writes: kept for an hour, and not for the provider's default time. */
  readonly cacheWrite1hInputTokens: number
  /** Part of the input, whether cached or not: audio. */
  readonly audioInputTokens: number
  /** Part of the cache reads and of the audio input. */
  readonly audioCacheReadInputTokens: number
  /** Part of the output: audio. */
  readonly audioOutputTokens: number
  /** Part of the input, whether cached or not: images. */
  readonly imageInputTokens: number
  /** Part of the cache reads and of the image input. */
  readonly imageCacheReadInputTokens: number
  /** Part of the output: images. */
  readonly imageOutputTokens: number
  /** `batch`, `flex`, `priority` … in lower case. `undefined`: the provider's standard one. */
  readonly serviceTier: string | undefined
}

/** The totals that details are parts of. */
export interface DetailTotals {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadInputTokens: number
  readonly cacheWriteInputTokens: number
  readonly reasoningOutputTokens: number
}

/**
 * Details that can be reckoned with: each at most what its totals leave, audio before images. A client that does not say
 * how much of its audio was cached is taken to have cached its text first, which costs more.
 *
 * @param totals clamped themselves
 * @returns `undefined` where nothing is left to say
 */
export function clampedDetails(details: CallDetails, totals: DetailTotals): CallDetails | undefined {
  const cacheWrite1hInputTokens = Math.min(tokensOf(details.cacheWrite1hInputTokens), totals.cacheWriteInputTokens)
  let uncached = totals.inputTokens - totals.cacheReadInputTokens - totals.cacheWriteInputTokens
  let cached = totals.cacheReadInputTokens
  const audioInputTokens = Math.min(tokensOf(details.audioInputTokens), uncached + cached)
  const audioCacheReadInputTokens = cachedPart(audioInputTokens, details.audioCacheReadInputTokens, uncached, cached)
  uncached -= audioInputTokens - audioCacheReadInputTokens
  cached -= audioCacheReadInputTokens
  const imageInputTokens = Math.min(tokensOf(details.imageInputTokens), uncached + cached)
  const imageCacheReadInputTokens = cachedPart(imageInputTokens, details.imageCacheReadInputTokens, uncached, cached)
  const answer = totals.outputTokens - totals.reasoningOutputTokens
  const audioOutputTokens = Math.min(tokensOf(details.audioOutputTokens), answer)
  const imageOutputTokens = Math.min(tokensOf(details.imageOutputTokens), answer - audioOutputTokens)
  const { serviceTier } = details
  const tokens = cacheWrite1hInputTokens + audioInputTokens + imageInputTokens + audioOutputTokens + imageOutputTokens
  if (tokens === 0 && serviceTier === undefined) return undefined
  return {
    cacheWrite1hInputTokens,
    audioInputTokens,
    audioCacheReadInputTokens,
    audioOutputTokens,
    imageInputTokens,
    imageCacheReadInputTokens,
    imageOutputTokens,
    serviceTier,
  }
}

/** How many tokens of one kind were cached: as reported, and at least what does not fit into the rest of the input. */
function cachedPart(tokens: number, reported: number, uncached: number, cached: number): number {
  return Math.min(Math.max(tokensOf(reported), tokens - uncached), cached, tokens)
}

/** A count as it is, and 0 for what is none. */
export function tokensOf(value: number): number {
  return value > 0 && value < Infinity ? value : 0
}
