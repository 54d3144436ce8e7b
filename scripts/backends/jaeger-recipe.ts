import { fileURLToPath } from 'node:url'
import type { BuildRecipe } from './binary-cache.ts'
import { runGo } from './go-toolchain.ts'

const wrapper = fileURLToPath(new URL('jaeger/', import.meta.url))

/** Jaeger v2, as far as Go modules carry it; why through a wrapper module is said in its `go.mod`. */
export const jaegerRecipe: BuildRecipe = {
  name: 'jaeger',
  inputs: [`${wrapper}go.mod`, `${wrapper}go.sum`],
  revision: 1,
  async build(_directory, binary) {
    const program = 'github.com/jaegertracing/jaeger/cmd/jaeger'
    const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w']
    await runGo(['build', ...flags, '-o', binary, program], wrapper)
  },
}
