import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'

/** The Go on `PATH`, or why it cannot build the backends. */
export type GoToolchain = { status: 'found'; version: string } | { status: 'missing'; reason: string }

/** From 1.21 on Go fetches a newer toolchain by itself where a module asks for one, as the Collector does. */
const oldestMinor = 21

export async function findGo(): Promise<GoToolchain> {
  let version: string
  try {
    // Not in a module's directory: there Go would answer for the toolchain that the module asks for, and fetch it first.
    version = (await goOutput(['env', 'GOVERSION'], tmpdir())).trim()
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { status: 'missing', reason: absent ? 'Go is not on PATH' : `Go does not run: ${String(error)}` }
  }
  const minor = Number(/^go1\.(\d+)/.exec(version)?.[1] ?? oldestMinor)
  if (minor < oldestMinor) return { status: 'missing', reason: `${version} is too old, 1.${oldestMinor} is needed` }
  return { status: 'found', version }
}

/**
 * Runs `go` with its output on this process's standard error, so that a long build is seen to move.
 *
 * @throws Error when Go exits with another code than 0.
 */
export async function runGo(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
  await run('go', args, cwd, env)
}

/** {@link runGo} for a program that itself calls Go. */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...goEnvironment, ...env },
    stdio: ['ignore', 2, 2],
  })
  await once(child, 'exit')
  if (child.exitCode === 0) return
  throw new Error(`Failed to run ${program} ${args.join(' ')}: it ended with ${child.exitCode ?? child.signalCode}.`)
}

/** Static binaries, and no workspace of a parent folder that would change what is built. */
const goEnvironment = { CGO_ENABLED: '0', GOWORK: 'off' }

async function goOutput(args: readonly string[], cwd: string): Promise<string> {
  const child = spawn('go', args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`go ${args.join(' ')} ended with ${child.exitCode ?? child.signalCode}`)
  return output
}
