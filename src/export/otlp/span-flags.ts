const hasIsRemote = 0x100
const isRemoteFlag = 0x200

/** The `flags` of a span or link: W3C's eight bits, and whether the context came from elsewhere. */
export function otlpFlags(traceFlags: number, isRemote: boolean | undefined): number {
  return (traceFlags & 0xff) | hasIsRemote | (isRemote === true ? isRemoteFlag : 0)
}
