/**
 * Records the spans of producers in other languages, with what the model server billed for them, into
 * `producers/replayed/recorded`. By hand, where a producer has a new version:
 *
 *     python3 -m venv venv && venv/bin/pip install 'pydantic-ai-slim[openai]==2.68.0' opentelemetry-sdk
 *     node conformance/record/record.ts venv/bin/python
 *
 * @module
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { startModelServer } from '../../examples/model-server/server.ts'
import { longSystem } from '../common/texts.ts'
import type { Recording } from '../producers/replayed/recorded.ts'

/** Longer texts are what was said, and nothing about usage. */
const maxTextLength = 200

const [python = 'python3'] = process.argv.slice(2)
const server = await startModelServer({ latencyMillis: 1, cacheMinimumTokens: 128 })
try {
  const script = fileURLToPath(new URL('pydantic_ai_spans.py', import.meta.url))
  const { stdout } = await promisify(execFile)(python, [script, server.baseUrl, longSystem])
  const { packages, spans } = JSON.parse(stdout) as Omit<Recording, 'ledger'>
  const recording: Recording = { packages, spans: spans.map(shortened), ledger: server.ledger }
  const file = new URL('../producers/replayed/recorded/pydantic-ai.json', import.meta.url)
  writeFileSync(file, `${JSON.stringify(recording, undefined, 2)}\n`)
} finally {
  await server.close()
}

function shortened(span: Recording['spans'][number]): Recording['spans'][number] {
  const short = Object.entries(span.attributes).filter(([, value]) => String(value).length <= maxTextLength)
  return { ...span, attributes: Object.fromEntries(short) }
}
