import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildRecipe } from './binary-cache.ts'
import { run, runGo } from './go-toolchain.ts'

const manifest = fileURLToPath(new URL('collector-manifest.yaml', import.meta.url))

/** The version of the builder goes with the version in the manifest. */
const builder = 'go.opentelemetry.io/collector/cmd/builder@v0.155.0'

/** The OpenTelemetry Collector, as the project's official builder makes it from `collector-manifest.yaml`. */
export const collectorRecipe: BuildRecipe = {
  name: 'otelcol',
  inputs: [manifest],
  revision: 1,
  async build(directory, binary) {
    await runGo(['install', builder], directory, { GOBIN: directory })
    const sources = join(directory, 'build')
    try {
      // The builder leaves an empty folder in the system's temporary directory each time it runs.
      const env = { TMPDIR: directory }
      await run(join(directory, 'builder'), [`--config=${manifest}`, '--skip-compilation'], directory, env)
    } catch (error) {
      // The builder ends with a plain `go mod tidy`, which fails where a module that only some component's tests need
      // is not to be had. The sources are complete by then, and `-e` goes on past such modules.
      if (!existsSync(join(sources, 'go.mod'))) throw error
    }
    await runGo(['mod', 'tidy', '-e'], sources)
    await runGo(['build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', binary, '.'], sources)
  },
}
