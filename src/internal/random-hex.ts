/**
 * Random bytes as lower-case hex, from a pool: one call of the system's generator serves 256 ids.
 *
 * The digits are handed to one `String.fromCharCode`, each as an argument of its own, which makes a flat string at once:
 * from an array it takes twice as long. Appending them one by one makes a rope, which the first map that the id is a key
 * of has to flatten (docs/discoveries/rope-strings.md).
 */
const poolBytes = 4096
const pool = new Uint8Array(poolBytes)
let used = poolBytes

/** The character codes of a byte's two digits. */
const high = new Uint8Array(256)
const low = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) {
  high[byte] = '0123456789abcdef'.charCodeAt(byte >> 4)
  low[byte] = '0123456789abcdef'.charCodeAt(byte & 15)
}

/** 16 random hex digits: a span id. */
export function randomHex16(): string {
  const at = take(8)
  return String.fromCharCode(
    high[pool[at]!]!,
    low[pool[at]!]!,
    high[pool[at + 1]!]!,
    low[pool[at + 1]!]!,
    high[pool[at + 2]!]!,
    low[pool[at + 2]!]!,
    high[pool[at + 3]!]!,
    low[pool[at + 3]!]!,
    high[pool[at + 4]!]!,
    low[pool[at + 4]!]!,
    high[pool[at + 5]!]!,
    low[pool[at + 5]!]!,
    high[pool[at + 6]!]!,
    low[pool[at + 6]!]!,
    high[pool[at + 7]!]!,
    low[pool[at + 7]!]!,
  )
}

/** 32 random hex digits: a trace id. */
export function randomHex32(): string {
  const at = take(16)
  return String.fromCharCode(
    high[pool[at]!]!,
    low[pool[at]!]!,
    high[pool[at + 1]!]!,
    low[pool[at + 1]!]!,
    high[pool[at + 2]!]!,
    low[pool[at + 2]!]!,
    high[pool[at + 3]!]!,
    low[pool[at + 3]!]!,
    high[pool[at + 4]!]!,
    low[pool[at + 4]!]!,
    high[pool[at + 5]!]!,
    low[pool[at + 5]!]!,
    high[pool[at + 6]!]!,
    low[pool[at + 6]!]!,
    high[pool[at + 7]!]!,
    low[pool[at + 7]!]!,
    high[pool[at + 8]!]!,
    low[pool[at + 8]!]!,
    high[pool[at + 9]!]!,
    low[pool[at + 9]!]!,
    high[pool[at + 10]!]!,
    low[pool[at + 10]!]!,
    high[pool[at + 11]!]!,
    low[pool[at + 11]!]!,
    high[pool[at + 12]!]!,
    low[pool[at + 12]!]!,
    high[pool[at + 13]!]!,
    low[pool[at + 13]!]!,
    high[pool[at + 14]!]!,
    low[pool[at + 14]!]!,
    high[pool[at + 15]!]!,
    low[pool[at + 15]!]!,
  )
}

/** Where so many random bytes stand that nobody has had yet. */
function take(bytes: number): number {
  if (used + bytes > poolBytes) {
    globalThis.crypto.getRandomValues(pool)
    used = 0
  }
  const at = used
  used += bytes
  return at
}
