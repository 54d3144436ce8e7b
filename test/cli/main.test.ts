import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { expect, it } from 'vitest'

import { idOf, root } from '../query/stored-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

it('serves until it is told to stop, and is read by another process meanwhile and afterwards', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'runspan-main-'))
  const path = join(directory, 'runs.db')
  const server = spawn(process.execPath, [main, 'serve', path, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string]
    const url = line.replace('OTEL_EXPORTER_OTLP_ENDPOINT=', '')
    const response = await fetch(`${url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: otlpJson([root(idOf('a1'))]),
    })
    expect(response.status).toBe(200)
    expect(await list(url)).toContain(idOf('a1'))
    expect(await list(path)).toContain(idOf('a1'))
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(await list(path)).toContain(idOf('a1'))
  } finally {
    server.kill('SIGKILL')
    await rm(directory, { recursive: true })
  }
})

async function list(from: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, 'list', '--from', from])
  expect(stderr).toBe('')
  return stdout
}
