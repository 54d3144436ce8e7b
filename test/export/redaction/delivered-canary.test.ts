import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { RunspanSpanProcessor } from '../../../src/export/index.ts'
import { createOtlpEncoder } from '../../../src/export/otlp/create-otlp-encoder.ts'
import { deferred } from '../../support/deferred.ts'
import { startCollector } from '../../support/scripted-collector.ts'
import { maxAttributeSizeBytes, piecesOf, secrets, spanWithSecrets } from './span-with-secrets.ts'

/** Bytes as text, and what is in base64 there, as bytes are in JSON. */
function readable(bytes: Buffer): string {
  const text = bytes.toString()
  const hidden = Array.from(text.matchAll(/"bytesValue":"([^"]*)"/g), ([, base64]) => Buffer.from(base64!, 'base64'))
  return [text, ...hidden.map(String)].join('\n')
}

function found(text: string): readonly string[] {
  return secrets.flatMap(piecesOf).filter((piece) => text.includes(piece))
}

describe.each(['http/protobuf', 'http/json'] as const)('a span full of secrets, delivered as %s', (protocol) => {
  it.each([
    ['encoded on this thread', 10_000],
    ['with a value that a worker thread redacts and shortens', 600_000],
  ])(
    'leaves no piece of them on the wire, in the spool and in its file names, %s; another destination has it as it was',
    async (_title, tailLength) => {
      const directory = mkdtempSync(join(tmpdir(), 'runspan-canary-'))
      const release = deferred()
      await using strict = await startCollector(async () => {
        await release.promise
        return 200
      })
      await using open = await startCollector()
      const whole = { maxAttributeSizeBytes: 4_194_304, maxSpanSizeBytes: 4_194_304, maxRequestSizeBytes: 8_388_608 }
      await using processor = new RunspanSpanProcessor({
        destinations: [
          // A destination is known by its address in the spool, and addresses have keys in them.
          {
            url: `${strict.url}?key=${secrets[0]}`,
            protocol,
            maxAttributeSizeBytes,
            spool: { directory, mode: 'always' },
          },
          { url: open.url, name: 'open', protocol, redaction: false, ...whole },
        ],
      })
      const span = spanWithSecrets(tailLength)
      processor.onStart(span, undefined as never)
      processor.onEnd(span)
      const flushed = processor.flush()
      await strict.arrived(1)

      const files = readdirSync(directory).filter((name) => name.endsWith('.spool'))
      expect(files).toHaveLength(1)
      const spooled = readable(readFileSync(join(directory, files[0]!)))
      expect(spooled).toContain('conversation-1')
      expect(found(spooled)).toEqual([])
      expect(found(readdirSync(directory).join(' '))).toEqual([])

      release.resolve()
      expect(await flushed).toMatchObject({ status: 'completed', exportedSpans: 2 })
      const wire = readable(strict.requests[0]!.body)
      expect(wire).toContain('conversation-1')
      expect(wire).toContain('[redacted')
      expect(wire).toContain('truncated')
      expect(found(wire)).toEqual([])

      const encoder = createOtlpEncoder({
        encoding: protocol === 'http/json' ? 'json' : 'protobuf',
        redaction: false,
        ...whole,
      })
      const alone = Buffer.from(encoder.encodeRequest([encoder.encodeSpan(span)!]))
      expect(open.requests[0]!.body.equals(alone)).toBe(true)
      expect(secrets.filter((secret) => !readable(alone).includes(secret))).toEqual([])
      rmSync(directory, { recursive: true })
    },
  )
})
