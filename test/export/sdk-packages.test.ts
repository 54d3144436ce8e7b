import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { findSdk } from '../../src/export/sdk-packages.ts'
import { RunspanError } from '../../src/index.ts'

const json = '@opentelemetry/exporter-trace-otlp-http'
const proto = '@opentelemetry/exporter-trace-otlp-proto'
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

describe('findSdk', () => {
  it('takes sdk-trace-node beside api 1.9, and what belongs to it from where it stands', () => {
    const place = install({
      '@opentelemetry/api': '1.9.1',
      '@opentelemetry/sdk-trace-node': '2.12.0',
      // What the exporters of 2.9 and later bring along is not what the application has asked for.
      '@opentelemetry/sdk-trace': '2.12.1',
      '@opentelemetry/sdk-trace-base': '2.12.1',
      '@opentelemetry/context-async-hooks': '2.12.0',
      '@opentelemetry/core': '2.12.1',
      '@opentelemetry/resources': '2.12.1',
      [json]: '0.223.1',
    })
    const { sdk } = findSdk([json], [place])
    expect(names(sdk.samplers, sdk.core, sdk.context, sdk.resources)).toEqual([
      '@opentelemetry/sdk-trace-node 2.12.0',
      '@opentelemetry/core 2.12.1',
      '@opentelemetry/context-async-hooks 2.12.0',
      '@opentelemetry/resources 2.12.1',
    ])
  })

  it('takes sdk-trace beside api 1.10', () => {
    const { sdk } = findSdk([json], [install(three)])
    expect(names(sdk.samplers)).toEqual(['@opentelemetry/sdk-trace 3.1.1'])
  })

  it('takes sdk-trace 2.9 and later where sdk-trace-node is not there', () => {
    const place = install({ ...three, '@opentelemetry/api': '1.9.1', '@opentelemetry/sdk-trace': '2.12.1' })
    expect(names(findSdk([json], [place]).sdk.samplers)).toEqual(['@opentelemetry/sdk-trace 2.12.1'])
  })

  it('takes one of the exporters that will do', () => {
    const { [json]: _, ...withoutJson } = three
    const place = install({ ...withoutJson, [proto]: '0.301.1' })
    const found = findSdk([proto, json], [place])
    expect([found.find(proto)?.version, found.find(json)]).toEqual(['0.301.1', undefined])
  })

  it('takes everything from one place, the first that has it all', () => {
    const { [json]: _, ...incomplete } = three
    const { sdk } = findSdk([json], [install({ ...incomplete, '@opentelemetry/sdk-trace': '3.9.9' }), install(three)])
    expect(names(sdk.samplers)).toEqual(['@opentelemetry/sdk-trace 3.1.1'])
  })

  it.each([
    [
      'nothing beside api 1.9',
      { '@opentelemetry/api': '1.9.1' },
      'npm install @opentelemetry/sdk-trace-node@2 @opentelemetry/exporter-trace-otlp-http@0.223',
    ],
    [
      'an SDK of 1.x',
      { '@opentelemetry/api': '1.9.1', '@opentelemetry/sdk-trace-node': '1.30.1', [json]: '0.57.0' },
      'npm install @opentelemetry/sdk-trace-node@2',
    ],
    [
      'an SDK 2.x without an exporter',
      { '@opentelemetry/api': '1.9.1', '@opentelemetry/sdk-trace-node': '2.2.0' },
      'npm install @opentelemetry/exporter-trace-otlp-http@0.223',
    ],
    [
      'sdk-trace 3.x alone',
      { '@opentelemetry/api': '1.10.0', '@opentelemetry/sdk-trace': '3.1.1' },
      'npm install @opentelemetry/context-async-hooks@3 @opentelemetry/exporter-trace-otlp-http@0.301',
    ],
  ])('says what to install where there is %s', (_title, packages, line) => {
    const error = failure(() => findSdk([json], [install({}), install(packages)]))
    expect(error.code).toBe('missing_package')
    expect(error.message).toContain(` Run: ${line}`)
    expect(error.message.endsWith(line)).toBe(true)
  })

  it('says what to install beside api 1.10 alone: 3.x where this Node runs it, else 2.x with the older api', () => {
    const { message } = failure(() => findSdk([json], [install({ '@opentelemetry/api': '1.10.0' })]))
    expect(message.split('Run: ')[0]).not.toContain('@opentelemetry/api')
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    expect(message.split('Run: ')[1]).toBe(
      major > 22 || (major === 22 && minor >= 15)
        ? 'npm install @opentelemetry/sdk-trace@3 @opentelemetry/context-async-hooks@3 @opentelemetry/core@3 @opentelemetry/exporter-trace-otlp-http@0.301'
        : 'npm install @opentelemetry/api@1.9 @opentelemetry/sdk-trace-node@2 @opentelemetry/exporter-trace-otlp-http@0.223',
    )
  })

  it('names the exporter of the protocol that was asked for', () => {
    const { [json]: _, ...incomplete } = three
    expect(failure(() => findSdk([proto, json], [install(incomplete)])).message).toContain(`${proto}@0.301`)
  })
})

const three = {
  '@opentelemetry/api': '1.10.0',
  '@opentelemetry/sdk-trace': '3.1.1',
  '@opentelemetry/context-async-hooks': '3.1.1',
  '@opentelemetry/core': '3.1.1',
  '@opentelemetry/resources': '3.1.1',
  [json]: '0.301.0',
}

/** A folder with packages that only say who they are. */
function install(packages: Readonly<Record<string, string>>): NodeJS.Require {
  const folder = mkdtempSync(join(tmpdir(), 'runspan-packages-'))
  folders.push(folder)
  for (const [name, version] of Object.entries(packages)) {
    const directory = join(folder, 'node_modules', name)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name, version, main: 'index.cjs' }))
    writeFileSync(join(directory, 'index.cjs'), `exports.whoami = '${name} ${version}'`)
  }
  return createRequire(join(folder, 'app.js'))
}

function names(...modules: readonly object[]): readonly unknown[] {
  return modules.map((module) => (module as { whoami?: unknown }).whoami)
}

function failure(work: () => unknown): RunspanError {
  try {
    work()
  } catch (error) {
    if (RunspanError.is(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
