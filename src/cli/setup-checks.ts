import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** What was looked at, and how it stands. */
export interface Check {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'problem'
  readonly says: string
}

/** What `doctor()` of the package finds. */
interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning'
  readonly message: string
  readonly fix: string
}

const longestMillis = 60_000
const mark = '\nrunspan doctor: '
// A set-up may keep its process alive, and may print.
const program = `import { doctor } from 'runspan'
process.stdout.write(${JSON.stringify(mark)} + JSON.stringify(await doctor()) + '\\n', () => process.exit())`

/**
 * Starts a process that is set up as the application is, `node --import {setup}`, and asks `doctor()` there: with the
 * packages that stand in the current folder, this one among them.
 */
export async function setupChecks(
  setup: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const check = 'setup'
  const module = existsSync(setup) ? pathToFileURL(resolve(setup)).href : setup
  const args = ['--import', module, '--input-type=module', '--eval', program]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, signal, timeout: longestMillis })
    const findings = JSON.parse(stdout.slice(stdout.lastIndexOf(mark) + mark.length)) as readonly Finding[]
    if (findings.length === 0) return [{ check, result: 'ok', says: `nothing is missing from ${setup}` }]
    return findings.map(({ code, severity, message, fix }) => ({
      check: code,
      result: severity === 'error' ? 'problem' : 'warning',
      says: `${message} ${fix}`,
    }))
  } catch (error) {
    return [{ check, result: 'problem', says: `${setup} could not be looked at: ${reasonOf(error)}` }]
  }
}

/** What Node printed of the error, rather than the command that failed. */
function reasonOf(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message?: string }
  const line = /^\w*Error\b.*$/m.exec(stderr ?? '')?.[0]
  return line ?? message ?? String(error)
}
