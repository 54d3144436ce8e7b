import { join } from 'node:path'

import { startServer } from '../backends/server-process.ts'
import { startBroker, type Broker } from './broker.ts'
import { requireBroker } from './packages.ts'

/** Starts a RabbitMQ node, and the name server of its own that Erlang wants beside it. */
export function startRabbitMq(): Promise<Broker> {
  return startBroker('rabbitmq', 3, async ({ directory, nextAddress, cleanup }) => {
    const [amqp, distribution, names] = [nextAddress(), nextAddress(), nextAddress()]
    // Erlang would leave a name server of its own running for good; this one goes with the broker.
    const namePort = portOf(names)
    const nameServer = await startServer({
      name: 'epmd',
      binary: 'epmd',
      args: ['-d', '-d', '-address', '127.0.0.1', '-port', namePort],
      env: {},
      readyText: 'entering the main select() loop',
    })
    cleanup.use(nameServer)
    const server = await startServer({
      name: 'RabbitMQ',
      binary: requireBroker('rabbitmq'),
      args: [],
      env: {
        HOME: directory,
        ERL_EPMD_ADDRESS: '127.0.0.1',
        ERL_EPMD_PORT: namePort,
        RABBITMQ_NODENAME: 'recipes@localhost',
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: portOf(amqp),
        RABBITMQ_DIST_PORT: portOf(distribution),
        RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
        RABBITMQ_LOG_BASE: directory,
        RABBITMQ_LOGS: '-',
        RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq'),
        RABBITMQ_CONF_ENV_FILE: join(directory, 'rabbitmq-env'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
        // Erlang in place of the script that starts it, so that our signal stops the broker itself.
        RABBITMQ_ALLOW_INPUT: '1',
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput -kernel inet_dist_use_interface {127,0,0,1} +S 2:2',
      },
      readyText: 'Server startup complete',
      // Ten seconds of work on one core; a busy machine takes longer.
      startTimeoutMillis: 120_000,
    })
    cleanup.use(server)
    return { url: `amqp://guest:guest@${amqp}`, log: () => server.log() }
  })
}

function portOf(address: string): string {
  return new URL(`http://${address}`).port
}
