/**
 * The real brokers that recipes are tested on: Redis, RabbitMQ, NATS and PostgreSQL, from Debian's packages.
 *
 *     node scripts/brokers.ts install    installs what is missing; needs root
 *     node scripts/brokers.ts where      prints where the programs are
 *
 * Tests start them on ports of their own and stop them. Exits with 0 when all programs are there, 1 when one is not, and 2 for a wrong verb.
 *
 * @module
 */
import { brokerNames, findBroker, installBrokers } from './brokers/packages.ts'

const exitCodes = { ready: 0, absent: 1, usage: 2 } as const

function where(): number {
  let exitCode: number = exitCodes.ready
  for (const broker of brokerNames) {
    const found = findBroker(broker)
    if (found.status === 'found') {
      console.log(`${broker}\t${found.program}`)
    } else {
      console.error(found.reason)
      exitCode = exitCodes.absent
    }
  }
  return exitCode
}

const verb = process.argv[2]
try {
  if (verb === 'install') {
    const installed = installBrokers()
    if (installed.length > 0) console.error(`installed ${installed.join(', ')}`)
    process.exitCode = where()
  } else if (verb === 'where') process.exitCode = where()
  else {
    console.error('usage: node scripts/brokers.ts install|where')
    process.exitCode = exitCodes.usage
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = exitCodes.absent
}
