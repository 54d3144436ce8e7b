const runIdPattern = /^[0-9a-f]{32}$/

/**
 * A run id as stored spans have it: 32 lower-case hex digits, also from upper case and from the dashed UUID form. Any
 * other text is kept: a parent may have been named by something that is no run id, and names the same thing twice.
 */
export function runKeyOf(text: string): string {
  const digits = text.toLowerCase().replaceAll('-', '')
  return runIdPattern.test(digits) ? digits : text
}
