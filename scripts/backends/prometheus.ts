import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { cacheDirectory } from './binary-cache.ts'
import { type ServerProcess, startServer, withFreeAddresses } from './server-process.ts'

const run = promisify(execFile)

/** The program, or why there is none. */
export type PrometheusFound = { status: 'found'; binary: string } | { status: 'missing'; reason: string }

/** A Prometheus that scrapes every second. */
export interface RunningPrometheus extends ServerProcess {
  readonly url: string
}

/**
 * Looks for Prometheus on `PATH` and in the cache, and else takes the package of Debian into the cache. Nothing is
 * installed: the package would start a service.
 */
export async function findPrometheus(): Promise<PrometheusFound> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'prometheus'))
  const cached = join(cacheDirectory(), 'prometheus', 'usr', 'bin', 'prometheus')
  const binary = [...onPath, cached].find((path) => existsSync(path))
  if (binary !== undefined) return { status: 'found', binary }
  try {
    await download(join(cacheDirectory(), 'prometheus'))
    return { status: 'found', binary: cached }
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    return { status: 'missing', reason: `no Prometheus on PATH, and Debian's package cannot be had: ${why}` }
  }
}

async function download(entry: string): Promise<void> {
  mkdirSync(cacheDirectory(), { recursive: true })
  const scratch = mkdtempSync(join(cacheDirectory(), 'building-'))
  try {
    await run('apt-get', ['download', '-q', 'prometheus'], { cwd: scratch })
    const archive = readdirSync(scratch).find((name) => name.endsWith('.deb'))
    if (archive === undefined) throw new Error('apt-get has downloaded nothing')
    await run('dpkg-deb', ['-x', join(scratch, archive), join(scratch, 'files')])
    renameSync(join(scratch, 'files'), entry)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The file that docker-compose.yml mounts. Prometheus knows no variables in it. */
const configFile = fileURLToPath(new URL('../../deploy/prometheus.yaml', import.meta.url))

/** That file with another address, asked every second. */
function configFor(target: string): string {
  const text = readFileSync(configFile, 'utf8')
  const changed = text.replace('collector:8889', target).replace('scrape_interval: 15s', 'scrape_interval: 1s')
  if (!changed.includes(target) || !changed.includes('scrape_interval: 1s')) {
    throw new Error(`Failed to start Prometheus: ${configFile} names another address or interval than was looked for.`)
  }
  return changed
}

/** Starts a Prometheus on a free loopback port. @param target `host:port` to scrape */
export async function startPrometheus(binary: string, target: string): Promise<RunningPrometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'runspan-prometheus-'))
  const config = join(directory, 'prometheus.yml')
  await writeFile(config, configFor(target))
  return withFreeAddresses(1, async (next) => {
    const address = next()
    const server = await startServer({
      name: 'Prometheus',
      binary,
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      env: {},
      healthUrl: `http://${address}/-/ready`,
    })
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> =>
      (stopped ??= server.stop().then(() => rm(directory, { recursive: true, force: true })))
    return { ...server, url: `http://${address}`, stop, [Symbol.asyncDispose]: stop }
  })
}
