/**
 * Random bytes as lower-case hex, from a pool: one call of the system's generator serves 256 ids.
 */
const poolBytes = 4096
const pool = new Uint8Array(poolBytes)
let used = poolBytes

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * @param bytes how many random bytes, at most 4096
 * @returns twice as many hex digits
 */
export function randomHex(bytes: number): string {
  if (used + bytes > poolBytes) {
    globalThis.crypto.getRandomValues(pool)
    used = 0
  }
  let hex = ''
  for (const end = used + bytes; used < end; used++) hex += hexOfByte[pool[used]!]
  return hex
}
