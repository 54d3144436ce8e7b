import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startReceiver } from '../../src/viewer/receiver/index.ts'
import type { StoredSpan } from '../../src/query/stored-span.ts'
import { nodeBinary } from './node-binary.ts'
import { blockBelow, drawnSpans, packagesBelow } from './readme-page.ts'
import { packPackage, stagePackage } from './staged-package.ts'

const run = promisify(execFile)
const inTree = (path: string): string => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url))
const workspace = mkdtempSync(join(tmpdir(), 'runspan-readme-'))
let tarball = ''

beforeAll(() => {
  using staged = stagePackage()
  tarball = packPackage(staged, workspace)
})
afterAll(() => rmSync(workspace, { recursive: true, force: true }), 600_000)

/** What README says has to be changed in its program where the SDK is of 3.x. */
const forThree = (program: string): string =>
  program
    .replace("from '@opentelemetry/sdk-trace-node'", "from '@opentelemetry/sdk-trace'")
    .replace(
      'new BatchSpanProcessor(new OTLPTraceExporter())',
      'new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })',
    )

const lines = [
  { title: '2.x', program: (text: string) => text, presetPackages: ['@opentelemetry/sdk-trace-node@2'] },
  {
    title: '3.x',
    program: forThree,
    presetPackages: ['@opentelemetry/sdk-trace@3', '@opentelemetry/context-async-hooks@3', '@opentelemetry/core@3'],
  },
]

describe.each(lines)(
  'README, followed to the letter with OpenTelemetry $title',
  ({ title, program, presetPackages }) => {
    const folder = join(workspace, title)
    const text = program(blockBelow('## Add it to a NodeSDK', 'ts'))

    beforeAll(() => install(folder, packagesBelow(`With OpenTelemetry ${title}`)), 600_000)

    it('adds Runspan in fifteen lines', () => {
      expect(text.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(15)
    })

    it.each(['nodenext', 'node16', 'bundler'])('compiles strictly, with the resolution %s', async (resolution) => {
      writeFileSync(join(folder, 'first.ts'), text)
      const modules = resolution === 'bundler' ? 'esnext' : resolution
      const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022']
      const types = ['--types', 'node', '--typeRoots', inTree('@types')]
      const how = ['--module', modules, '--moduleResolution', resolution]
      await run(process.execPath, [inTree('typescript/bin/tsc'), ...options, ...types, ...how, 'first.ts'], {
        cwd: folder,
      })
    })

    it.each(['first.ts', 'first.cts'])('prints and exports what README shows, as %s', async (name) => {
      const spans: StoredSpan[] = []
      const receiver = await startReceiver({ port: 0, onSpans: (received) => void spans.push(...received) })
      writeFileSync(join(folder, name), name.endsWith('.cts') ? asCommonJs(text) : text)
      const { stdout, stderr } = await run(nodeBinary(24)!, [name], { cwd: folder, env: environment(receiver.url) })
      await receiver.close()

      const runId = /[0-9a-f]{32}/.exec(stdout)?.[0] ?? ''
      const shown = /[0-9a-f]{32}/.exec(blockBelow('The first program prints', ''))?.[0] ?? ''
      expect([stdout, stderr]).toEqual([blockBelow('The first program prints', '').replace(shown, runId), ''])
      const drawn = drawnSpans(blockBelow('and exports one trace of two spans', '').replaceAll(shown, runId))
      expect(Object.fromEntries(spans.map((span) => [span.name, asDrawn(span)]))).toEqual(drawn)
      expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([runId]))
    })

    it('is kept by runspan serve, and listed by runspan list', async () => {
      const command = [join(folder, 'node_modules/runspan/dist/cli/main.js')]
      const server = spawn(nodeBinary(24)!, [...command, 'serve', join(folder, 'runs.db'), '--port', '0'])
      try {
        const [line] = (await once(createInterface(server.stdout), 'line')) as [string]
        const url = line.replace('OTEL_EXPORTER_OTLP_ENDPOINT=', '')
        writeFileSync(join(folder, 'first.ts'), text)
        const { stdout } = await run(nodeBinary(24)!, ['first.ts'], { cwd: folder, env: environment(url) })
        const listed = await run(nodeBinary(24)!, [...command, 'list', '--from', url])
        expect(listed.stdout).toMatch(new RegExp(`^planner +${/[0-9a-f]{32}/.exec(stdout)?.[0]} .*completed `, 'm'))
      } finally {
        server.kill('SIGKILL')
      }
    })

    it('prints its result where nothing listens, and then sdk.shutdown() rejects', async () => {
      writeFileSync(join(folder, 'first.ts'), text)
      const closed = await startReceiver({ port: 0, onSpans: () => {} })
      await closed.close()
      const ended = run(nodeBinary(24)!, ['first.ts'], { cwd: folder, env: environment(closed.url) })
      await expect(ended).rejects.toMatchObject({
        code: 1,
        stdout: expect.stringMatching(/^soup /),
        stderr: expect.stringContaining('ECONNREFUSED'),
      })
    })

    it.runIf(title === '2.x')('has a test of an agent that passes, and fails where the agent asks once', async () => {
      const agentTest = blockBelow('### Tests without a collector', 'ts')
      writeFileSync(join(folder, 'agent.test.ts'), agentTest)
      const { stdout } = await run(nodeBinary(24)!, ['--test', 'agent.test.ts'], { cwd: folder })
      expect(stdout).toContain('pass 1')
      writeFileSync(join(folder, 'agent.test.ts'), agentTest.replace('    await ask()\n', ''))
      await expect(run(nodeBinary(24)!, ['--test', 'agent.test.ts'], { cwd: folder })).rejects.toMatchObject({
        stdout: expect.stringContaining('fail 1'),
      })
    })

    it('sets OpenTelemetry up with the packages that it names, and no exporter among them', async () => {
      const preset = join(workspace, `${title}-preset`)
      const api = packagesBelow(`With OpenTelemetry ${title}`).find((name) => name.startsWith('@opentelemetry/api@'))!
      await install(preset, ['runspan', api, ...presetPackages])
      const spans: StoredSpan[] = []
      const receiver = await startReceiver({ port: 0, onSpans: (received) => void spans.push(...received) })
      const agent = "import { wrapAgent } from 'runspan'\nawait wrapAgent('planner', () => 'done')\n"
      const registering = blockBelow('## Or let Runspan set OpenTelemetry up', 'ts')
      writeFileSync(join(preset, 'register.ts'), registering.replace('// …', `${agent}// …`))
      writeFileSync(join(preset, 'app.js'), agent)
      const options = { cwd: preset, env: { ...environment(receiver.url), OTEL_SERVICE_NAME: 'planner' } }
      const registered = await run(nodeBinary(24)!, ['register.ts'], options)
      expect([registered.stdout, registered.stderr]).toEqual(['completed 1\n', ''])
      const imported = await run(nodeBinary(24)!, ['--import', 'runspan/register', 'app.js'], options)
      expect([imported.stdout, imported.stderr]).toEqual(['', ''])
      await receiver.close()
      expect(spans.map(({ name, resource }) => [name, resource.attributes['service.name']])).toEqual([
        ['invoke_agent planner', 'planner'],
        ['invoke_agent planner', 'planner'],
      ])
    })
  },
)

/** A span as README draws it: every value a text. */
function asDrawn({ kind, attributes }: StoredSpan): Readonly<Record<string, string>> {
  const texts = Object.entries(attributes).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  return { kind: kind.toUpperCase(), ...Object.fromEntries(texts) }
}

async function install(folder: string, packages: readonly string[]): Promise<void> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  const names = packages.map((name) => (name === 'runspan' ? tarball : name))
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...names], { cwd: folder })
}

/** The same program for `require()`. */
function asCommonJs(text: string): string {
  const required = text.replaceAll(/^import (\{.*\}) from ('.*')$/gm, 'const $1 = require($2)')
  const lastImport = required.lastIndexOf('require(')
  const end = required.indexOf('\n', lastImport) + 1
  return `${required.slice(0, end)}void (async () => {\n${required.slice(end)}})()\n`
}

function environment(url: string): Record<string, string | undefined> {
  const none = { OTEL_LOGS_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' }
  return { PATH: process.env['PATH'], OTEL_EXPORTER_OTLP_ENDPOINT: url, ...none }
}
