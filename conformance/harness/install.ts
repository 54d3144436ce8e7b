import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { packPackage, stagePackage } from '../../test/lanes/staged-package.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))

/** Names of the producers: the folders of `producers/`. */
export function producerNames(): readonly string[] {
  return readdirSync(join(folder, 'producers'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, 'producers', entry.name, 'producer.ts')))
    .map((entry) => entry.name)
    .toSorted()
}

/** Installs the producers as their lock file says, unless that is what is installed. */
export function installProducers(): void {
  if (isInstalled()) return
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  execFileSync('npm', ['ci', ...options], { cwd: folder, stdio: 'inherit' })
}

type Packages = Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>

/** Compares the lock file with the one that npm leaves in what it installed. */
function isInstalled(): boolean {
  const file = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(file)) return false
  const installed = packagesOf(file)
  return Object.entries(packagesOf(join(folder, 'package-lock.json'))).every(
    ([path, { version, optional = false }]) =>
      !path.includes('node_modules/') || optional || installed[path]?.version === version,
  )
}

function packagesOf(file: string): Packages {
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly packages: Packages }).packages
}

/**
 * Builds and packs Runspan, and puts the package where applications have it: beside the copy of the OpenTelemetry API
 * that a producer gets.
 */
export function installRunspan(names: readonly string[]): void {
  const workspace = mkdtempSync(join(tmpdir(), 'runspan-conformance-'))
  try {
    using staged = stagePackage()
    const tarball = packPackage(staged, workspace)
    execFileSync('tar', ['xzf', tarball, '-C', workspace])
    const withOwnApi = names
      .map((name) => join(folder, 'producers', name, 'node_modules'))
      .filter((modules) => existsSync(join(modules, '@opentelemetry/api')))
    for (const modules of [join(folder, 'node_modules'), ...withOwnApi]) {
      const target = join(modules, 'runspan')
      const fresh = `${target}.${process.pid}`
      cpSync(join(workspace, 'package'), fresh, { recursive: true })
      rmSync(target, { recursive: true, force: true })
      renameSync(fresh, target)
    }
  } finally {
    rmSync(workspace, { recursive: true, force: true })
  }
}
