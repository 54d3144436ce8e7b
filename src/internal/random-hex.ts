/**
 * Random bytes as lower-case hex, from a pool: one call of the system's generator serves 256 ids.
 *
 * The digits are handed to one `String.fromCharCode`, which makes a flat string at once. Appending them one by one
 * makes a rope, which the first map that the id is a key of has to flatten.
 */
const poolBytes = 4096
const pool = new Uint8Array(poolBytes)
let used = poolBytes

/** Two character codes for each byte. */
const digits = new Uint8Array(512)
for (let byte = 0; byte < 256; byte++) {
  digits[2 * byte] = '0123456789abcdef'.charCodeAt(byte >> 4)
  digits[2 * byte + 1] = '0123456789abcdef'.charCodeAt(byte & 15)
}

const scratch16: number[] = Array.from({ length: 16 })
const scratch32: number[] = Array.from({ length: 32 })

/** 16 random hex digits: a span id. */
export function randomHex16(): string {
  return fill(scratch16)
}

/** 32 random hex digits: a trace id. */
export function randomHex32(): string {
  return fill(scratch32)
}

function fill(codes: number[]): string {
  const bytes = codes.length >> 1
  if (used + bytes > poolBytes) {
    globalThis.crypto.getRandomValues(pool)
    used = 0
  }
  for (let at = 0; at < bytes; at++) {
    const byte = pool[used++]!
    codes[2 * at] = digits[2 * byte]!
    codes[2 * at + 1] = digits[2 * byte + 1]!
  }
  return String.fromCharCode.apply(null, codes)
}
