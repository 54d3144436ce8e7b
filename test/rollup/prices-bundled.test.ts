/** A bundler does not see the `require` that loads the package: what it writes must find the prices all the same. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { build } from 'vite'
import { expect, it } from 'vitest'

const pricesFile = fileURLToPath(new URL('../../src/rollup/prices.ts', import.meta.url))

const application = `
  import { PriceBook } from ${JSON.stringify(pricesFile)}

  const book = new PriceBook()
  const call = { provider: 'openai', model: 'gpt-5', timeUnixMillis: 0, inputTokens: 1000, outputTokens: 0,
    cacheReadInputTokens: 0, cacheWriteInputTokens: 0, reasoningOutputTokens: 0 }
  const first = book.price(call)
  const poll = setInterval(() => {
    const nanoUsd = book.price(call)
    if (nanoUsd === undefined) return
    clearInterval(poll)
    console.log(JSON.stringify({ first, nanoUsd, tableName: book.tableName }))
  }, 5)
`

it.each(['es', 'cjs'] as const)(
  'prices calls from a bundle without node_modules: %s',
  { timeout: 60_000 },
  async (format) => {
    const folder = await mkdtemp(join(tmpdir(), 'prices-bundled-'))
    try {
      const entry = join(folder, 'application.js')
      await writeFile(entry, application)
      await writeFile(join(folder, 'package.json'), JSON.stringify({ type: format === 'es' ? 'module' : 'commonjs' }))
      const outFile = join(folder, 'bundle', 'application.js')
      await build({
        root: folder,
        configFile: false,
        logLevel: 'silent',
        ssr: { noExternal: true },
        build: {
          ssr: entry,
          outDir: join(folder, 'bundle'),
          rolldownOptions: { output: { format, entryFileNames: 'application.js' } },
        },
      })
      const { stdout } = await promisify(execFile)(process.execPath, [outFile], { timeout: 20_000 })
      // The first call comes before the package has been read: it is unpriced, the next ones are not.
      expect(JSON.parse(stdout)).toEqual({ nanoUsd: 1_250_000, tableName: 'genai-prices' })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
