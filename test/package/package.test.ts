import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { nodeBinary } from '../lanes/node-binary.ts'
import { installRunspan, type InstalledRunspan } from './installed-package.ts'

let runspan: InstalledRunspan
beforeAll(async () => {
  runspan = await installRunspan()
}, 600_000)
afterAll(() => runspan[Symbol.dispose]())

describe('the package', () => {
  it('exports only files that it has, each with its types', () => {
    const files = Object.values(runspan.manifest.exports).flatMap((target) =>
      target.endsWith('.js') ? [target, target.replace(/\.js$/, '.d.ts')] : [target],
    )
    expect(files.filter((file) => !existsSync(join(runspan.directory, file)))).toEqual([])
  })

  it('exports every index that it has: an index is there because a subpath points to it', () => {
    const targets = Object.values(runspan.manifest.exports)
    const indexes = filesBelow(runspan.directory, 'dist', /^index\.js$/).map((file) => `./${file}`)
    expect(indexes.filter((file) => !targets.includes(file))).toEqual([])
  })

  it('holds one built file per source, and nothing else', () => {
    const built = filesBelow(runspan.directory, 'dist', /\.js$/).map((file) =>
      file.slice('dist/'.length, -'.js'.length),
    )
    const sources = filesBelow(runspan.directory, 'src', /\.ts$/).map((file) =>
      file.slice('src/'.length, -'.ts'.length),
    )
    expect(built.toSorted()).toEqual(sources.toSorted())
    expect(readdirSync(runspan.directory).filter((name) => !['dist', 'src', 'package.json'].includes(name))).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md'].filter((name) => existsSync(join(runspan.directory, name))),
    )
  })

  it('loads the api and nothing else of anybody: no SDK, no optional package, no module of Node', async () => {
    const { stdout } = await runspan.run(
      nodeBinary(24)!,
      'loads.mjs',
      `import { registerHooks } from 'node:module'
       const urls = []
       registerHooks({ load(url, context, next) { urls.push(url); return next(url, context) } })
       await import('runspan')
       console.log(JSON.stringify(urls))`,
    )
    const urls = JSON.parse(stdout) as string[]
    const packages = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? url)
    expect([...new Set(packages)].toSorted()).toEqual(['@opentelemetry/api', 'runspan'])
    const folders = urls.flatMap((url) => /\/runspan\/dist\/([^/]+)\//.exec(url)?.[1] ?? [])
    expect([...new Set(folders)].toSorted()).toEqual(['internal', 'propagation', 'rollup', 'run', 'sampling'])
  })
})

describe.each([20, 24] as const)('the package on Node %i', (major) => {
  const node = nodeBinary(major)

  it.skipIf(node === undefined)('is loaded by require, without a warning, and is what import loads', async () => {
    const { stdout, stderr } = await runspan.run(
      node!,
      `required-${major}.cjs`,
      `const runspan = require('runspan')
       const preset = require('runspan/node')
       import('runspan').then((imported) => console.log(process.version, typeof runspan.wrapAgent, typeof preset.registerRunspan,
         imported.wrapAgent === runspan.wrapAgent))`,
    )
    expect(stdout).toMatch(new RegExp(`^v${major}\\.\\d+\\.\\d+ function function true\n$`))
    expect(stderr).toBe('')
  })

  it.skipIf(node === undefined)('runs agents where no SDK is installed, and records nothing', async () => {
    const { stdout } = await runspan.run(
      node!,
      `alone-${major}.mjs`,
      `import { wrapAgent, withSpan, tool, propagationHeaders, stats, doctor } from 'runspan'
       const { result, runId } = await wrapAgent('planner', async (run) => {
         const nested = await wrapAgent('executor', () => withSpan('step', () => tool('lookup', (n) => n + 1)(1)))
         return [nested.result, run.recorded, propagationHeaders()]
       })
       const [finding] = await doctor()
       console.log(JSON.stringify([result, runId.length, stats().internalErrors, finding.code]))`,
    )
    expect(JSON.parse(stdout)).toEqual([[2, false, {}], 32, 0, 'no_provider'])
  })

  it.skipIf(node === undefined)('says what to install where registerRunspan finds no SDK', async () => {
    const { stdout } = await runspan.run(
      node!,
      `missing-${major}.mjs`,
      `import { registerRunspan } from 'runspan/node'
       try { registerRunspan() } catch (error) { console.log(error.name, error.code, error.message) }`,
    )
    expect(stdout).toMatch(/^RunspanError missing_package Failed to set up OpenTelemetry: @opentelemetry\/sdk-trace/)
    // npm brings the newest api; its SDK does not run on Node 20, so the older api is asked for too.
    expect(stdout).toContain(
      major === 20
        ? 'Run: npm install @opentelemetry/api@1.9 @opentelemetry/sdk-trace-node@2'
        : 'Run: npm install @opentelemetry/sdk-trace@3 @opentelemetry/context-async-hooks@3 @opentelemetry/core@3',
    )
  })

  it.skipIf(node === undefined)(
    'lets an application run that node --import runspan/register cannot set up',
    async () => {
      const text = `import { wrapAgent } from 'runspan'
       console.log((await wrapAgent('planner', () => 'ran')).result)`
      const { stdout, stderr } = await runspan.run(node!, `register-${major}.mjs`, text, '--import', 'runspan/register')
      expect(stdout).toBe('ran\n')
      expect(stderr.match(/RunspanWarning: .*npm install/g)).toHaveLength(1)
    },
  )
})

function filesBelow(directory: string, folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(join(directory, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesBelow(directory, path, pattern)
    return pattern.test(entry.name) ? [path] : []
  })
}
