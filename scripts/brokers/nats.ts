import { startServer } from '../backends/server-process.ts'
import { startBroker, type Broker } from './broker.ts'
import { requireBroker } from './packages.ts'

/** Starts a NATS server with JetStream. */
export function startNats(): Promise<Broker> {
  return startBroker('nats', 1, async ({ directory, nextAddress, cleanup }) => {
    const address = nextAddress()
    const [host = '', port = ''] = address.split(':')
    const server = await startServer({
      name: 'NATS',
      binary: requireBroker('nats'),
      args: ['--addr', host, '--port', port, '--jetstream', '--store_dir', directory],
      env: {},
      readyText: 'Server is ready',
    })
    cleanup.use(server)
    return { url: `nats://${address}`, log: () => server.log() }
  })
}
