import { startServer } from '../backends/server-process.ts'
import { startBroker, type Broker } from './broker.ts'
import { requireBroker } from './packages.ts'

/** Starts a Redis that keeps nothing. */
export function startRedis(): Promise<Broker> {
  return startBroker('redis', 1, async ({ directory, nextAddress, cleanup }) => {
    const address = nextAddress()
    const [host = '', port = ''] = address.split(':')
    const server = await startServer({
      name: 'Redis',
      binary: requireBroker('redis'),
      args: ['--bind', host, '--port', port, '--dir', directory, '--save', '', '--appendonly', 'no'],
      env: {},
      readyText: 'Ready to accept connections',
    })
    cleanup.use(server)
    return { url: `redis://${address}`, log: () => server.log() }
  })
}
