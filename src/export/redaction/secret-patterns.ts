import type { RedactionPattern } from './redaction-options.ts'

const queryNames = '[sS]ig(?:nature)?|[xX]-(?:[aA]mz|[gG]oog)-[sS]ignature|AWSAccessKeyId|key|token'

/**
 * Secrets that are known by how they look. Each begins with letters that hardly anything else begins with, and repeats
 * are bounded, so that no text takes longer than in proportion to its length.
 */
export const secretPatterns: readonly RedactionPattern[] = [
  // `Authorization: Bearer …` (RFC 6750), also where the name of the header is not there.
  { name: 'bearer_token', pattern: /\b[Bb]earer\s{1,3}[\w.~+/-]{16,4096}=*/ },
  // JSON web tokens (RFC 7519): header and claims begin with an encoded brace.
  {
    name: 'jwt',
    pattern: /\beyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}(?:\.[\w-]{1,4096})?/,
  },
  // OpenAI (sk-, sk-proj-), Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek, Langfuse (sk-lf-).
  { name: 'api_key', pattern: /\bsk-[\w-]{20,512}/ },
  // Groq, xAI, Perplexity, Replicate, Hugging Face, npm, Tavily.
  {
    name: 'api_key',
    pattern: /\b(?:gsk_|xai-|pplx-|r8_|hf_|npm_|tvly-)[\w-]{24,512}/,
  },
  // Google: API keys, and OAuth access tokens.
  { name: 'google_key', pattern: /\bAIza[\w-]{35}/ },
  { name: 'google_token', pattern: /\bya29\.[\w-]{20,2048}/ },
  // AWS: ids of access keys. Their secrets look like nothing and are known by name only.
  { name: 'aws_access_key', pattern: /\b(?:AKIA|ASIA)[A-Z\d]{16}\b/ },
  { name: 'github_token', pattern: /\bgh[pousr]_[A-Za-z\d]{36,255}/ },
  { name: 'github_token', pattern: /\bgithub_pat_\w{22,255}/ },
  { name: 'gitlab_token', pattern: /\bglpat-[\w-]{20,255}/ },
  { name: 'slack_token', pattern: /\bxox[abeoprs]-[A-Za-z\d-]{10,255}/ },
  // Stripe: secret and restricted keys, and secrets of webhooks.
  {
    name: 'stripe_key',
    pattern: /\b(?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z\d]{16,255}/,
  },
  // Private keys in PEM, also in JSON, where line breaks are escaped. One that is cut off is hidden as far as it goes.
  {
    name: 'private_key',
    pattern:
      /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[^"'{}<>\\-]|\\+[nrt]|-(?!----END ))*(?:-----END [A-Z ]{0,32}KEY-----)?/,
  },
  // `postgres://user:password@host`
  {
    name: 'url_credentials',
    pattern: /(?<=:\/\/)[^\s/:@"']{0,256}:[^\s/@"']{1,512}(?=@)/,
  },
  // Signatures and keys in queries, as OpenTelemetry's conventions ask for `url.full`.
  {
    name: 'signature',
    pattern: new RegExp(String.raw`(?<=[?&](?:${queryNames})=)[^&#\s"'\\]{4,2048}`),
  },
]

/**
 * What shows that a text may hold one of {@link secretPatterns}. All of them are looked for in one pass, which nearly
 * every text ends at. Each begins with a character that is rare in texts, and looks around from there: that is ten times
 * as fast in prose as to look for the patterns.
 */
export const secretMarks: readonly string[] = [
  String.raw`[-_](?=[\w-]{16})(?<=sk-|xai-|pplx-|tvly-|gsk_|r8_|hf_|npm_|gh[pousr]_|github_pat_|glpat-|[sr]k_|whsec_)`,
  'xox[abeoprs]-',
  '-----BEGIN ',
  String.raw`J(?=[\w-]{8})(?<=eyJ)`,
  String.raw`z(?<=AIz)a[\w-]{35}`,
  String.raw`I(?<=A[KS]I)A[A-Z\d]{16}`,
  String.raw`9(?<=ya29)\.`,
  String.raw`[bB]earer\s`,
  String.raw`:\/\/[^\s/:@"']{0,256}:[^\s/@"']`,
  `[?&](?:${queryNames})=`,
]

/** {@link secretMarks} for {@link emailPattern}. */
export const emailMark = String.raw`@[A-Za-z\d]`

/** E-mail addresses, as far as they are used: no quotes, no hosts by number. */
export const emailPattern: RedactionPattern = {
  name: 'email',

  pattern: /(?<![\w.%+-])[\w.%+-]{1,64}@(?:[A-Za-z\d-]{1,63}\.){1,8}[A-Za-z]{2,24}/,
}

/**
 * Names of secrets, as regular expressions: of attributes, headers, members of JSON, variables. They match the end of a
 * longer name too (`OPENAI_API_KEY`). `token` alone is not one: in these texts it is mostly a piece of a word.
 */
export const secretNames: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'api[_-]?key',
  'secret[_-]?key',
  'access[_-]?key',
  'private[_-]?key',
  'access[_-]?token',
  'refresh[_-]?token',
  'auth[_-]?token',
  'id[_-]?token',
  'session[_-]?token',
  'security[_-]?token',
  'authorization',
  'cookie',
]
