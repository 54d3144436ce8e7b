import type { RedactionPattern } from './redaction-options.ts'

/** A pattern with what every match of it begins with, or holds. */
export interface KnownPattern extends RedactionPattern {
  /**
   * The source of an expression that begins with letters. The marks of all patterns are looked for together, in one pass
   * over a text, which is three times as fast as the patterns themselves with their bounds and look-behinds.
   */
  readonly mark: string
}

const queryNames = '[sS]ig(?:nature)?|[xX]-(?:[aA]mz|[gG]oog)-[sS]ignature|AWSAccessKeyId|key|token'

/**
 * Secrets that are known by how they look. Each begins with letters that hardly anything else begins with, and repeats
 * are bounded, so that no text takes longer than in proportion to its length.
 */
export const secretPatterns: readonly KnownPattern[] = [
  // `Authorization: Bearer …` (RFC 6750), also where the name of the header is not there.
  { name: 'bearer_token', mark: String.raw`[Bb]earer\s`, pattern: /\b[Bb]earer\s{1,3}[\w.~+/-]{16,4096}=*/ },
  // JSON web tokens (RFC 7519): header and claims begin with an encoded brace.
  {
    name: 'jwt',
    mark: String.raw`eyJ[\w-]{8}`,
    pattern: /\beyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}(?:\.[\w-]{1,4096})?/,
  },
  // OpenAI (sk-, sk-proj-), Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek, Langfuse (sk-lf-).
  { name: 'api_key', mark: String.raw`sk-[\w-]{20}`, pattern: /\bsk-[\w-]{20,512}/ },
  // Groq, xAI, Perplexity, Replicate, Hugging Face, npm, Tavily.
  {
    name: 'api_key',
    mark: String.raw`(?:gsk_|xai-|pplx-|r8_|hf_|npm_|tvly-)[\w-]{24}`,
    pattern: /\b(?:gsk_|xai-|pplx-|r8_|hf_|npm_|tvly-)[\w-]{24,512}/,
  },
  // Google: API keys, and OAuth access tokens.
  { name: 'google_key', mark: String.raw`AIza[\w-]{35}`, pattern: /\bAIza[\w-]{35}/ },
  { name: 'google_token', mark: String.raw`ya29\.[\w-]{20}`, pattern: /\bya29\.[\w-]{20,2048}/ },
  // AWS: ids of access keys. Their secrets look like nothing and are known by name only.
  { name: 'aws_access_key', mark: String.raw`A(?:KIA|SIA)[A-Z\d]{16}`, pattern: /\b(?:AKIA|ASIA)[A-Z\d]{16}\b/ },
  { name: 'github_token', mark: String.raw`gh[pousr]_[A-Za-z\d]{36}`, pattern: /\bgh[pousr]_[A-Za-z\d]{36,255}/ },
  { name: 'github_token', mark: String.raw`github_pat_\w{22}`, pattern: /\bgithub_pat_\w{22,255}/ },
  { name: 'gitlab_token', mark: String.raw`glpat-[\w-]{20}`, pattern: /\bglpat-[\w-]{20,255}/ },
  { name: 'slack_token', mark: String.raw`xox[abeoprs]-`, pattern: /\bxox[abeoprs]-[A-Za-z\d-]{10,255}/ },
  // Stripe: secret and restricted keys, and secrets of webhooks.
  {
    name: 'stripe_key',
    mark: String.raw`(?:[sr]k|whsec)_\w{16}`,
    pattern: /\b(?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z\d]{16,255}/,
  },
  // Private keys in PEM, also in JSON, where line breaks are escaped. One that is cut off is hidden as far as it goes.
  {
    name: 'private_key',
    mark: '-----BEGIN ',
    pattern:
      /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[^"'{}<>\\-]|\\+[nrt]|-(?!----END ))*(?:-----END [A-Z ]{0,32}KEY-----)?/,
  },
  // `postgres://user:password@host`
  {
    name: 'url_credentials',
    mark: String.raw`:\/\/[^\s/:@"']{0,256}:[^\s/@"']`,
    pattern: /(?<=:\/\/)[^\s/:@"']{0,256}:[^\s/@"']{1,512}(?=@)/,
  },
  // Signatures and keys in queries, as OpenTelemetry's conventions ask for `url.full`.
  {
    name: 'signature',
    mark: `[?&](?:${queryNames})=`,
    pattern: new RegExp(String.raw`(?<=[?&](?:${queryNames})=)[^&#\s"'\\]{4,2048}`),
  },
]

/** E-mail addresses, as far as they are used: no quotes, no hosts by number. */
export const emailPattern: KnownPattern = {
  name: 'email',
  mark: String.raw`@[A-Za-z\d]`,
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
