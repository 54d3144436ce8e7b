import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const requirements = fileURLToPath(new URL('../../examples/recipes/python/requirements.txt', import.meta.url))
const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
const folder = fileURLToPath(new URL(`../../.cache/recipes-python-${hash}`, import.meta.url))

/** A Python with the packages of the recipe: `bin` is the folder of its programs. */
export type PythonFound = { status: 'found'; bin: string } | { status: 'missing'; reason: string }

/** Installs the packages once, into `.cache`; a minute the first time. */
export function ensurePython(): PythonFound {
  const bin = `${folder}/bin`
  const finished = `${folder}/finished`
  if (existsSync(finished)) return { status: 'found', bin }
  const { status } = spawnSync('python3', ['-c', 'import sys, ensurepip; sys.exit(sys.version_info < (3, 10))'])
  if (status !== 0) return missing('there is no Python of version 3.10 or later with venv: install python3-venv')
  // Not made elsewhere and moved here: the programs of an environment name its folder.
  rmSync(folder, { recursive: true, force: true })
  for (const [program, ...args] of [
    ['python3', '-m', 'venv', folder],
    [`${bin}/pip`, 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements],
  ] as const) {
    const done = spawnSync(program, args, { encoding: 'utf8', timeout: 600_000 })
    if (done.status !== 0) return missing(`${args.join(' ')} failed: ${done.stderr.trim().split('\n').at(-1)}`)
  }
  writeFileSync(finished, '')
  return { status: 'found', bin }
}

function missing(reason: string): PythonFound {
  return { status: 'missing', reason }
}
