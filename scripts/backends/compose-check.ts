import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { buildIntoCache, findInCache, type BuildRecipe } from './binary-cache.ts'
import { findGo, runGo } from './go-toolchain.ts'

const wrapper = fileURLToPath(new URL('compose/', import.meta.url))

/** The parser of `docker compose`, around which a program of a few lines prints its complaints. */
const composeRecipe: BuildRecipe = {
  name: 'composecheck',
  inputs: ['go.mod', 'go.sum', 'main.go'].map((file) => wrapper + file),
  revision: 1,
  async build(_directory, binary) {
    await runGo(['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', binary, '.'], wrapper)
  },
}

/** Why compose files cannot be checked on this machine; `undefined` where they can. */
export async function whyNoComposeCheck(): Promise<string | undefined> {
  const go = await findGo()
  if (findInCache(composeRecipe, go.status === 'found' ? go.version : undefined) !== undefined) return undefined
  return go.status === 'found' ? undefined : `the parser of docker compose is not built, and ${go.reason}`
}

/**
 * Has the parser of `docker compose` read a file. It is built first where that was not done: some seconds.
 *
 * @throws Error with the complaint where `docker compose` would refuse the file
 */
export async function checkComposeFile(file: string): Promise<void> {
  const go = await findGo()
  const found = findInCache(composeRecipe, go.status === 'found' ? go.version : undefined)
  if (found === undefined && go.status === 'missing') throw new Error(`Failed to check ${file}: ${go.reason}.`)
  const binary = found ?? (await buildIntoCache(composeRecipe, go.status === 'found' ? go.version : ''))
  await promisify(execFile)(binary, [file])
}
