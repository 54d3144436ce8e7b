import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { Redaction, redactionFailed } from '../../../src/export/redaction/redaction.ts'
import type { RedactionOptions } from '../../../src/export/redaction/redaction-options.ts'
import { stats } from '../../../src/run/stats.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const clean = (text: string, options?: RedactionOptions) => new Redaction(options).text(text, 'key')

describe('secrets that are known by how they look', () => {
  it.each([
    ['Bearer abcdefghijklmnop.qrst', '[redacted:bearer_token]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', '[redacted:jwt]'],
    ['sk-proj-AbCdEfGhIjKlMnOpQrSt_uv', '[redacted:api_key]'],
    ['sk-ant-api03-AbCdEfGhIjKlMnOpQrStuv', '[redacted:api_key]'],
    ['gsk_AbCdEfGhIjKlMnOpQrStuvWxYz0123', '[redacted:api_key]'],
    [`hf_${'a'.repeat(34)}`, '[redacted:api_key]'],
    [`AIza${'B'.repeat(35)}`, '[redacted:google_key]'],
    [`ya29.${'c'.repeat(40)}`, '[redacted:google_token]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted:aws_access_key]'],
    [`ghp_${'d'.repeat(36)}`, '[redacted:github_token]'],
    [`github_pat_${'e'.repeat(50)}`, '[redacted:github_token]'],
    [`glpat-${'f'.repeat(20)}`, '[redacted:gitlab_token]'],
    ['xoxb-123456789012-abcdef', '[redacted:slack_token]'],
    [`sk_live_${'g'.repeat(24)}`, '[redacted:stripe_key]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', '[redacted:private_key]'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE and cut off', '[redacted:private_key]'],
  ])('are replaced, and nothing around them: %s', (secret, marker) => {
    expect(clean(`before ${secret}`)).toBe(`before ${marker}`)
    expect(clean(secret)).toBe(marker)
    expect(clean(JSON.stringify({ text: `a ${secret} b`.replace(/ b$/, '') }))).toBe(
      JSON.stringify({ text: `a ${marker}` }),
    )
  })

  it('are replaced inside addresses', () => {
    expect(clean('postgres://bob:s3cret@db:5432/app?x=1')).toBe('postgres://[redacted:url_credentials]@db:5432/app?x=1')
    expect(clean('https://a/b?x=1&X-Amz-Signature=abcdef0123&y=2')).toBe(
      'https://a/b?x=1&X-Amz-Signature=[redacted:signature]&y=2',
    )
    expect(clean('GET /v1?key=abcdefgh')).toBe('GET /v1?key=[redacted:signature]')
  })

  it.each([
    'chat gpt-4.1-mini',
    'https://api.openai.com:443/v1/chat/completions?stream=true',
    'task-force, risk-averse, disk-sk-1',
    '00f067aa0ba902b74bf92f3577b34da6',
    'eyJ is how JSON begins in base64',
    'the bearer of bad news',
    'me@example.org',
    '{"max_tokens":100,"secretary":"Ann","cookies":["oat"],"keys":[1]}',
    'AKIA is a prefix; so is ghp_',
    '2026-11-21T10:11:12Z at 10:30@home',
  ])('are not seen where there are none: %s', (text) => {
    expect(clean(text)).toBe(text)
  })

  it('are all replaced where there are many', () => {
    const text = Array.from({ length: 50 }, (_, index) => `sk-${'k'.repeat(20 + index)}`).join(' ')
    expect(clean(text)).toBe(Array.from({ length: 50 }, () => '[redacted:api_key]').join(' '))
  })

  it('include addresses of people only where asked', () => {
    const text = 'from first.last+tag@mail.example.org to b@c.io'
    expect(clean(text)).toBe(text)
    expect(clean(text, { emails: true })).toBe('from [redacted:email] to [redacted:email]')
  })
})

describe('names of secrets', () => {
  it.each([
    ['{"user":"a","password":"hun\\"ter2","x":1}', '{"user":"a","password":"[redacted]","x":1}'],
    ['{"password":12345,"k":[1]}', '{"password":"[redacted]","k":[1]}'],
    ['{"password" : null}', '{"password" : "[redacted]"}'],
    ['{"Authorization":["Basic abc"],"z":1}', '{"Authorization":"[redacted]","z":1}'],
    ['{"client_secret":{"a":"]}"},"z":1}', '{"client_secret":"[redacted]","z":1}'],
    ['{"OPENAI_API_KEY":"abc"}', '{"OPENAI_API_KEY":"[redacted]"}'],
    ['{"password":"ends in a backslash\\\\","z":1}', '{"password":"[redacted]","z":1}'],
    ['{"password":"cut of', '{"password":"[redacted]'],
    ["{'password': 'x y', 'z': 1}", "{'password': '[redacted]', 'z': 1}"],
    ['DB_PASSWORD=hunter2 next=1', 'DB_PASSWORD=[redacted] next=1'],
    ['Cookie: a=b; c=d\nHost: e', 'Cookie: [redacted]\nHost: e'],
    ['x-api-key: abc', 'x-api-key: [redacted]'],
    ['?access_token=abc&z=1', '?access_token=[redacted]&z=1'],
  ])('hide their values, and nothing around them: %s', (text, expected) => {
    expect(clean(text)).toBe(expected)
  })

  it('hide values in JSON that stands inside JSON, at any depth, and JSON stays JSON', () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a\\', '"', '\\"', 'x"y\\\\'))
    const rest = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value)
    fc.assert(
      fc.property(
        value.filter((text) => text !== ''),
        rest,
        fc.nat({ max: 3 }),
        (secret, others, depth) => {
          let hiddenText = JSON.stringify({ ...others, password: '[redacted]', last: 'z' })
          let text = JSON.stringify({ ...others, password: secret, last: 'z' })
          for (let level = 0; level < depth; level++) {
            text = JSON.stringify({ inner: text })
            hiddenText = JSON.stringify({ inner: hiddenText })
          }
          expect(new Redaction({ builtIn: false, keys: ['password'] }).text(text, 'key')).toBe(hiddenText)
        },
      ),
    )
  })

  it('hide attributes and members of maps, whatever their value', () => {
    const redaction = new Redaction({ keys: ['app.customer', /^x-internal-/] })
    const verdicts = [
      'db.password',
      'http.request.header.authorization',
      'app.customer',
      'x-internal-id',
      'url.full',
    ].map((key) => redaction.verdictOn(key))
    expect(verdicts).toEqual(['hide', 'hide', 'hide', 'hide', 'check'])
    expect(
      redaction.value({ password: 1, 'app.customer': { name: 'Ann' }, list: [{ api_key: true }], ok: 'yes' }, 'key'),
    ).toEqual({ password: '[redacted]', 'app.customer': '[redacted]', list: [{ api_key: '[redacted]' }], ok: 'yes' })
  })

  it('are those of the application alone where it says so', () => {
    expect(clean('{"password":"a","pin":"b"}', { builtIn: false, keys: ['pin'] })).toBe(
      '{"password":"a","pin":"[redacted]"}',
    )
    expect(clean('{"a.b":"c","axb":"d"}', { builtIn: false, keys: ['a.b'] })).toBe('{"a.b":"[redacted]","axb":"d"}')
  })
})

describe('ids', () => {
  it.each([
    'runspan.run.id',
    'runspan.parent_run.id',
    'gen_ai.conversation.id',
    'gen_ai.response.id',
    'gen_ai.tool.call.id',
    'session.id',
    'trace_id',
    'langfuse.session.id',
  ])('leave as they are: %s', (key) => {
    expect(new Redaction({ keys: [/./], content: 'off' }).verdictOn(key)).toBe('pass')
  })

  it('are not what only ends like one', () => {
    for (const key of ['user.id', 'runspan.metadata.customer.id', 'runspan.reviewer.id', 'aws.access_key.id']) {
      expect(new Redaction().verdictOn(key)).toBe('check')
    }
  })
})

describe('content', () => {
  it.each([
    'gen_ai.input.messages',
    'gen_ai.tool.call.arguments',
    'runspan.output',
    'runspan.metadata.customer',
    'input.value',
    'llm.input_messages.0.message.content',
    'ai.prompt.messages',
    'traceloop.entity.output',
    'langfuse.observation.input',
  ])('does not leave where it is off: %s', (key) => {
    expect(new Redaction({ content: 'off' }).verdictOn(key)).toBe('leave_out')
    expect(new Redaction().verdictOn(key)).toBe('check')
  })

  it('is nothing of what runs are counted and found by', () => {
    for (const key of ['gen_ai.request.model', 'gen_ai.usage.input_tokens', 'runspan.run.status', 'error.type']) {
      expect(new Redaction({ content: 'off' }).verdictOn(key)).toBe('check')
    }
  })
})

describe("the application's own rules", () => {
  it('find what they look for in texts of any length, with whatever flags they have', () => {
    const patterns = [
      { name: 'pin', pattern: /\b\d{4}\b/y },
      { name: 'iban', pattern: /de\d{20}/gi },
    ]
    expect(clean('1234', { patterns })).toBe('[redacted:pin]')
    expect(clean(`DE${'0'.repeat(20)} and 1234 and 5678`, { patterns })).toBe(
      '[redacted:iban] and [redacted:pin] and [redacted:pin]',
    )
  })

  it('have the last word, and are told where a text stands', () => {
    const redaction = new Redaction({ redact: (text, { key }) => `${key}: ${text}` })
    expect(redaction.text('sk-abcdefghijklmnopqrstu', 'url.full')).toBe('url.full: [redacted:api_key]')
  })

  it('let nothing through where they fail, and failures are counted', () => {
    const before = stats().redactionErrors
    const throwing = new Redaction({
      redact: () => {
        throw new Error('hostile')
      },
    })
    const silent = new Redaction({ redact: () => undefined as unknown as string })
    expect(throwing.text('text', 'key')).toBe(redactionFailed)
    expect(silent.text('text', 'key')).toBe(redactionFailed)
    expect(throwing.value(['text', { a: 'text' }, 7], 'key')).toEqual([redactionFailed, { a: redactionFailed }, 7])
    const hostile = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw new Error('hostile')
      },
    })
    expect(new Redaction().value(hostile, 'key')).toBe(redactionFailed)
    expect(stats().redactionErrors).toBe(before + 5)
  })

  it.each([
    [{ keys: [''] }, /redaction.keys/],
    [{ keys: [7 as unknown as string] }, /redaction.keys: 7/],
    [{ patterns: [{ name: 'all', pattern: /x*/ }] }, /matches the empty text/],
    [{ patterns: [{ name: 'all' } as never] }, /redaction.patterns/],
    [{ content: 'explicit' as never }, /redaction.content: explicit/],
    [{ redact: 'no' as never }, /redaction.redact/],
    [{ builtIn: 1 as never }, /redaction.builtIn/],
    [{ emails: 'yes' as never }, /redaction.emails/],
    [{ key: ['password'] } as never, /redaction: it has no option key. Did you mean keys\?/],
  ] as readonly (readonly [RedactionOptions, RegExp])[])(
    'are refused at set-up where they cannot work: %o',
    (options, message) => {
      expect(() => new Redaction(options)).toThrow(message)
    },
  )
})

describe('values', () => {
  it('come back as the same objects where there is nothing to hide', () => {
    const redaction = new Redaction()
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom('a', 'b', null))), (list) => {
        const map = { list, inner: { list } }
        expect(redaction.value(map, 'key')).toBe(map)
        expect(redaction.value(list, 'key')).toBe(list)
      }),
    )
  })

  it('are copied, never changed, where there is', () => {
    const list = ['fine', 'sk-abcdefghijklmnopqrstu']
    const map = { list, n: 1 }
    const copy = new Redaction().value(map, 'key')
    expect(copy).toEqual({ list: ['fine', '[redacted:api_key]'], n: 1 })
    expect(list[1]).toBe('sk-abcdefghijklmnopqrstu')
    expect(map.list).toBe(list)
  })

  it('are hidden as bytes where a secret is among them', () => {
    const redaction = new Redaction()
    const fine = bytes('nothing here')
    expect(redaction.value(fine, 'key')).toBe(fine)
    expect(redaction.value(bytes('a sk-abcdefghijklmnopqrstu'), 'key')).toBe('[redacted]')
  })

  it('are hidden where they are deeper than anybody looks', () => {
    let value: object = { secret: 'x' }
    for (let level = 0; level < 40; level++) value = [value]
    expect(JSON.stringify(new Redaction().value(value, 'key'))).toContain('"[redacted]"')
    expect(JSON.stringify(new Redaction().value(value, 'key'))).not.toContain('secret')
  })
})

it('takes time in proportion to a text, also where it is made to take more', () => {
  const redaction = new Redaction({ emails: true })
  const nasty = [
    'eyJhbGciOiJI',
    'a@',
    '://a:',
    'sk-',
    'password=',
    '-----BEGIN ',
    'Bearer  ',
    '"password":"\\',
    '?key=',
    '{"secret":[',
  ]
  for (const piece of nasty) {
    // Time on the processor: the clock goes on while a busy machine does something else.
    const cpuMillisOf = (times: number): number => {
      const text = piece.repeat(times)
      const before = process.cpuUsage()
      redaction.text(text, 'key')
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    }
    cpuMillisOf(1000)
    // Eight times as long takes sixty-four times as long where it is quadratic.
    const short = Math.max(1, Math.min(cpuMillisOf(10_000), cpuMillisOf(10_000), cpuMillisOf(10_000)))
    const long = Math.min(cpuMillisOf(80_000), cpuMillisOf(80_000), cpuMillisOf(80_000))
    expect(long / short, piece).toBeLessThan(40)
  }
})
