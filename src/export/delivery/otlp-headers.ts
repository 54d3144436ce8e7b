import { diag } from '@opentelemetry/api'

const namePattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What Node refuses in a header's value. */
// eslint-disable-next-line no-control-regex -- control characters are what it is about
const badValue = /[^\t\u0020-\u007E\u0080-\u00FF]/

/**
 * Headers as OTEL_EXPORTER_OTLP_HEADERS has them: `name=value` pairs between commas, percent-encoded. A value may
 * itself contain `=`: base64 does. A pair that makes no header is left out, and named without its value, which may be
 * a secret.
 */
export function parseHeaders(text: string, variable: string): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue
    const at = pair.indexOf('=')
    const name = decoded(pair.slice(0, at < 0 ? undefined : at).trim())
    const value = at < 0 ? undefined : decoded(pair.slice(at + 1).trim())
    if (value === undefined || !namePattern.test(name) || badValue.test(value)) {
      diag.warn(`runspan: ${variable} has a pair that is no header, which is left out: ${name.slice(0, 40)}.`)
      continue
    }
    headers[name.toLowerCase()] = value
  }
  return headers
}

/** Percent-decoded, or as it is where it is no such encoding: a `%` in a token. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
