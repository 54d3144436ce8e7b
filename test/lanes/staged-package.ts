import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The package, built into a folder of its own: what `npm pack` sees, whatever somebody else does with `dist`. */
export interface StagedPackage extends Disposable {
  readonly folder: string
}

/** Builds the package outside the tree. Its dependencies are those of the tree. */
export function stagePackage(): StagedPackage {
  const folder = mkdtempSync(join(tmpdir(), 'runspan-staged-'))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  // Types are what `npm run typecheck` is for; here only the code has to come out.
  const options = ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', join(folder, 'dist')]
  execFileSync(process.execPath, [compiler, ...options], { cwd: root, stdio: 'pipe' })
  for (const name of ['package.json', 'src', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
    if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Packs a staged package into `destination`. @returns the path of the tarball */
export function packPackage({ folder }: StagedPackage, destination: string): string {
  mkdirSync(destination, { recursive: true })
  const output = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [packed] = JSON.parse(output) as [{ readonly filename: string }]
  return join(destination, packed.filename)
}
