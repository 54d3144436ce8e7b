/** A time or a duration as the SDK has it, in seconds and nanoseconds, in milliseconds. */
export function millisOf(time: readonly [seconds: number, nanos: number]): number {
  return time[0] * 1000 + time[1] / 1e6
}
