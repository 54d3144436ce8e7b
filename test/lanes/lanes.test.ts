import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { nodeBinary } from './node-binary.ts'
import { packPackage, stagePackage } from './staged-package.ts'

/** One line of the SDK, as applications install it. */
interface Lane {
  readonly title: string
  readonly nodes: readonly (20 | 24)[]
  /** What `npm install` is called with, one call after the other; `runspan` stands for the tarball. */
  readonly installs: readonly (readonly string[])[]
  /** The one copy of the api that must come out. */
  readonly api: string
  /** Which of the consumers in `check/` is written for it. */
  readonly consumer: 'consumer-2.ts' | 'consumer-3.ts'
}

const otel = (...names: readonly string[]): readonly string[] => names.map((name) => `@opentelemetry/${name}`)

const lanes: readonly Lane[] = [
  {
    title: '2.12',
    nodes: [20, 24],
    // Runspan first brings in the newest api, which the SDK then has to move back.
    installs: [
      ['runspan'],
      otel('sdk-trace-node@2.12.0', 'exporter-trace-otlp-http@0.223.1', 'context-async-hooks@2.12.0', 'core@2.12.1'),
      otel('sdk-logs@0.223.1'),
    ],
    api: '1.9.1',
    consumer: 'consumer-2.ts',
  },
  {
    title: '2.0.0, which has no onEnding',
    nodes: [20, 24],
    installs: [
      [
        'runspan',
        ...otel('sdk-trace-base@2.0.0', 'sdk-trace-node@2.0.0', 'exporter-trace-otlp-http@0.200.0', 'api@1.9.1'),
      ],
    ],
    api: '1.9.1',
    consumer: 'consumer-2.ts',
  },
  {
    title: '2.2.0, the last without onEnding',
    nodes: [20, 24],
    installs: [
      otel('sdk-trace-base@2.2.0', 'sdk-trace-node@2.2.0', 'exporter-trace-otlp-http@0.208.0', 'api@1.9.0'),
      ['runspan'],
    ],
    api: '1.9.0',
    consumer: 'consumer-2.ts',
  },
  {
    title: '3.1',
    nodes: [24],
    installs: [
      [
        'runspan',
        ...otel(
          'sdk-trace@3.1.1',
          'exporter-trace-otlp-http@0.301.0',
          'context-async-hooks@3.1.1',
          'core@3.1.1',
          'sdk-logs@3.1.1',
          'api@1.10.0',
        ),
      ],
    ],
    api: '1.10.0',
    consumer: 'consumer-3.ts',
  },
]

const run = promisify(execFile)
const inTree = (path: string): string => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url))
const workspace = mkdtempSync(join(tmpdir(), 'runspan-lanes-'))
let tarball = ''

beforeAll(() => {
  using staged = stagePackage()
  tarball = packPackage(staged, workspace)
})
afterAll(() => rmSync(workspace, { recursive: true, force: true }), 600_000)

describe.each(lanes)('lane $title', ({ title, nodes, installs, api, consumer }) => {
  const folder = join(workspace, title.split(',')[0]!)

  beforeAll(async () => {
    cpSync(fileURLToPath(new URL('check', import.meta.url)), folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
    for (const packages of installs) {
      const names = packages.map((name) => (name === 'runspan' ? tarball : name))
      await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...names], { cwd: folder })
    }
  }, 600_000)

  it('installs one copy of the api', async () => {
    const { stdout } = await run('npm', ['ls', '@opentelemetry/api', '--all', '--parseable'], { cwd: folder })
    expect(stdout.trim().split('\n')).toEqual([join(folder, 'node_modules/@opentelemetry/api')])
    const { stdout: versions } = await run('npm', ['ls', '@opentelemetry/api', '--all', '--json'], { cwd: folder })
    expect(new Set(versions.match(/"version": "1\.\d+\.\d+"/g))).toEqual(new Set([`"version": "${api}"`]))
  })

  it('has types that fit those of the SDK', async () => {
    const checks = ['--strict', '--types', 'node', '--typeRoots', inTree('@types')]
    const target = ['--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,esnext.disposable']
    const compiler = inTree('typescript/bin/tsc')
    await run(process.execPath, [compiler, '--noEmit', ...checks, ...target, consumer], { cwd: folder })
  })

  it.each([
    ['1', 'ours'],
    ['0', 'ours'],
    ['1', 'stock'],
  ])('does what OTEL_* variables say, with a sampling ratio of %s and the exporter %s', async (ratio, exporter) => {
    const { stdout, stderr } = await run(nodeBinary(24)!, ['environment.mjs', ratio, exporter], { cwd: folder })
    expect([stdout, stderr]).toEqual(['ok\n', ''])
  })

  describe.each(nodes)('on Node %i', (major) => {
    const node = nodeBinary(major)

    it.skipIf(node === undefined)('delivers its spans field by field as the exporter of its line does', async () => {
      const { stdout, stderr } = await run(node!, ['encoding.mjs'], { cwd: folder })
      console.log(`lane ${title}: ${stdout.trim()}`)
      expect(stdout).toMatch(/^ok 3 spans of SDK \d\.\d+\.\d+, as JSON and protobuf\n$/)
      expect(stderr).toBe('')
    })

    it.skipIf(node === undefined).each(['entry.mjs', 'entry.cjs'])('does everything, from %s', async (entry) => {
      const { stdout, stderr } = await run(node!, [entry], { cwd: folder })
      console.log(`lane ${title}: ${stdout.trim()}`)
      expect(stdout).toMatch(new RegExp(`^ok (import|require) on v${major}\\..* logs checked\n$`))
      expect(stderr).toBe('')
    })
  })
})
