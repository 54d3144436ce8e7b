import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'

/** The brokers that recipes run against, as Debian packages them, and where each package puts its program. */
const packages = {
  redis: { name: 'redis-server', program: '/usr/bin/redis-server' },
  rabbitmq: { name: 'rabbitmq-server', program: '/usr/lib/rabbitmq/bin/rabbitmq-server' },
  nats: { name: 'nats-server', program: '/usr/sbin/nats-server' },
  postgres: { name: 'postgresql', program: '/usr/lib/postgresql/*/bin/postgres' },
} as const

export type BrokerName = keyof typeof packages

export const brokerNames = Object.keys(packages) as readonly BrokerName[]

/** Where a broker's program is; `reason` is a sentence for whoever wonders why a test was skipped. */
export type BrokerFound = { status: 'found'; program: string } | { status: 'missing'; reason: string }

/** Looks for a broker, without installing it. */
export function findBroker(broker: BrokerName): BrokerFound {
  const { name, program } = packages[broker]
  const found = globSync(program).toSorted().at(-1)
  if (found !== undefined) return { status: 'found', program: found }
  return { status: 'missing', reason: `${name} is not installed: run \`npm run brokers -- install\` as root on Debian` }
}

/**
 * The program of a broker that has to be there.
 *
 * @throws Error that says how to install it
 */
export function requireBroker(broker: BrokerName): string {
  const found = findBroker(broker)
  if (found.status === 'missing') throw new Error(`Failed to start a broker: ${found.reason}.`)
  return found.program
}

/**
 * Installs what is missing.
 *
 * @returns the names of the packages that were installed
 * @throws Error where apt-get cannot install: no Debian, no root, no network
 */
export function installBrokers(): readonly string[] {
  const missing = brokerNames.filter((broker) => findBroker(broker).status === 'missing')
  const names = missing.map((broker) => packages[broker].name)
  if (names.length === 0) return []
  apt(['update', '-q'])
  apt(['install', '-y', '-q', '--no-install-recommends', ...names])
  return names
}

function apt(args: readonly string[]): void {
  // The run level asks packages not to start their services: nothing here uses those. systemd may start them anyway.
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
  const { status, error } = spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2] })
  if (error !== undefined) throw new Error('Failed to install the brokers: there is no apt-get here.')
  if (status !== 0) throw new Error(`Failed to install the brokers: apt-get ${args[0]} ended with ${status}. Use root.`)
}
