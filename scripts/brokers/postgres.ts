import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { startServer } from '../backends/server-process.ts'
import { startBroker, type Broker } from './broker.ts'
import { requireBroker } from './packages.ts'

/** Starts a PostgreSQL whose database keeps nothing and lets everybody in who reaches the loopback interface. */
export function startPostgres(): Promise<Broker> {
  return startBroker('postgres', 1, async ({ directory, nextAddress, cleanup }) => {
    const address = nextAddress()
    const [host = '', port = ''] = address.split(':')
    const program = requireBroker('postgres')
    const data = join(directory, 'data')
    mkdirSync(data)
    const asOwner = ownerOf(directory, data)
    const initArgs = ['--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--no-sync']
    const [initdb = '', ...restOfInit] = [...asOwner, join(dirname(program), 'initdb'), ...initArgs]
    const made = spawnSync(initdb, restOfInit, { encoding: 'utf8', cwd: directory })
    if (made.status !== 0) throw new Error(`Failed to create a database: ${made.stderr ?? made.error?.message}`)
    const serverArgs = ['-D', data, '-h', host, '-p', port, '-k', data, '-c', 'fsync=off', '-c', 'full_page_writes=off']
    const [binary = '', ...args] = [...asOwner, program, ...serverArgs]
    const readyText = 'database system is ready to accept connections'
    const server = await startServer({ name: 'PostgreSQL', binary, args, env: { LC_ALL: 'C' }, readyText })
    cleanup.use(server)
    return { url: `postgres://postgres@${address}/postgres`, log: () => server.log() }
  })
}

/** PostgreSQL refuses to run as root; there it runs as the user that its package has made. */
function ownerOf(directory: string, data: string): readonly string[] {
  if (process.getuid?.() !== 0) return []
  chmodSync(directory, 0o755)
  const { status } = spawnSync('chown', ['postgres:postgres', data])
  if (status !== 0)
    throw new Error('Failed to start PostgreSQL: there is no user postgres, and it does not run as root.')
  return ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--']
}
