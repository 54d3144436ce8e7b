import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { packPackage, stagePackage } from '../lanes/staged-package.ts'

const run = promisify(execFile)

/** The package as a user has it: packed, and installed into a folder where nothing else is. */
export interface InstalledRunspan extends Disposable {
  /** The application's folder. */
  readonly folder: string
  /** The package's folder, inside it. */
  readonly directory: string
  readonly manifest: {
    readonly version: string
    readonly exports: Readonly<Record<string, string>>
  }
  /** Runs a file of that name and text with a Node. Rejects with its output where it fails. */
  run(
    node: string,
    name: string,
    text: string,
    ...flags: readonly string[]
  ): Promise<{ stdout: string; stderr: string }>
}

/** Installs what `npm pack` makes of the tree, with its dependencies and the api alone. */
export async function installRunspan(): Promise<InstalledRunspan> {
  const folder = mkdtempSync(join(tmpdir(), 'runspan-installed-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
  using staged = stagePackage()
  const tarball = packPackage(staged, join(folder, 'packed'))
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball], { cwd: folder })
  const directory = join(folder, 'node_modules/runspan')
  return {
    folder,
    directory,
    manifest: JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as InstalledRunspan['manifest'],
    run(node, name, text, ...flags) {
      writeFileSync(join(folder, name), text)
      return run(node, [...flags, name], { cwd: folder })
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
