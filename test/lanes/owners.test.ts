import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Finding } from '../../src/index.ts'
import { nodeBinary } from './node-binary.ts'
import { packPackage, stagePackage } from './staged-package.ts'

/** Products that bring a tracer provider of their own, each in the last version of a major. */
const products = [
  { name: '@sentry/node', install: '@sentry/node@8.55.2', finds: 'sentry_owns_provider' },
  { name: '@sentry/node', install: '@sentry/node@9.47.2', finds: 'sentry_owns_provider' },
  { name: '@sentry/node', install: '@sentry/node@10.78.0', finds: 'sentry_owns_provider' },
  { name: '@sentry/node', install: '@sentry/node@11.12.0', finds: 'sentry_owns_provider' },
  { name: 'dd-trace', install: 'dd-trace@6.21.0', finds: 'datadog_owns_provider' },
] as const
const sdk = ['api@1.9.1', 'sdk-trace-node@2.12.0', 'context-async-hooks@2.12.0', 'core@2.12.1'].map(
  (name) => `@opentelemetry/${name}`,
)

const run = promisify(execFile)
const workspace = mkdtempSync(join(tmpdir(), 'runspan-owners-'))
let tarball = ''

beforeAll(() => {
  using staged = stagePackage()
  tarball = packPackage(staged, workspace)
}, 300_000)
afterAll(() => rmSync(workspace, { recursive: true, force: true }), 300_000)

describe.each(products)('doctor beside $install', ({ name, install, finds }) => {
  const folder = join(workspace, install.replaceAll('/', '-'))

  beforeAll(async () => {
    mkdirSync(folder)
    cpSync(fileURLToPath(new URL('owners/check.mjs', import.meta.url)), join(folder, 'check.mjs'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
    const packages = [...sdk, install, tarball]
    await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], { cwd: folder })
  }, 300_000)

  async function codes(owner: 'product' | 'application'): Promise<readonly string[]> {
    const { stdout } = await run(nodeBinary(24)!, ['check.mjs', name, owner], { cwd: folder })
    return (JSON.parse(stdout) as readonly Finding[]).map(({ code }) => code)
  }

  it('finds whose the provider is', async () => {
    expect(await codes('product')).toContain(finds)
  })

  it('finds nothing once it is mended as doctor says', async () => {
    expect(await codes('application')).toEqual([])
  })
})
