import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The last Node of each major that the package is tested on. 24 is the development Node. */
const versions = { 20: '20.20.2', 24: undefined } as const

/**
 * A Node of that major: this process's own, the development one, or the npm package `node`, installed once into the
 * system's temporary folder.
 *
 * @returns `undefined`, with the reason printed, where it cannot be had: no network, say
 */
export function nodeBinary(major: keyof typeof versions): string | undefined {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath
  const version = versions[major]
  if (version === undefined) return fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url))
  const prefix = join(tmpdir(), `runspan-node-${version}`)
  const binary = join(prefix, 'node_modules/node/bin/node')
  try {
    if (!existsSync(binary)) installNode(version, prefix)
    const found = execFileSync(binary, ['-p', 'process.version'], { encoding: 'utf8' }).trim()
    if (found === `v${version}`) return binary
    console.warn(`Node ${version} is left out: ${binary} is ${found}.`)
  } catch (error) {
    console.warn(`Node ${version} is left out: ${String(error)}`)
  }
  return undefined
}

/** Installs beside the place and renames: of two that do it at once, one wins. */
function installNode(version: string, prefix: string): void {
  const draft = mkdtempSync(`${prefix}-`)
  writeFileSync(join(draft, 'package.json'), JSON.stringify({ private: true }))
  mkdirSync(prefix, { recursive: true })
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', `node@${version}`], {
    cwd: draft,
    stdio: 'pipe',
  })
  try {
    renameSync(join(draft, 'node_modules'), join(prefix, 'node_modules'))
  } catch {
    // Another process was faster.
  }
  rmSync(draft, { recursive: true, force: true })
}
