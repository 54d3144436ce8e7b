import { findBroker, type BrokerName } from '../../scripts/brokers/packages.ts'

/**
 * Whether a broker cannot be started here; says why, once. With `RUNSPAN_REQUIRE_ALL=1`, as on the build machine, a
 * broker that is not there is a failure and no skip.
 */
export function isMissing(broker: BrokerName): boolean {
  const found = findBroker(broker)
  if (found.status === 'found') return false
  if (process.env['RUNSPAN_REQUIRE_ALL'] === '1') throw new Error(found.reason)
  console.warn(`skipped: ${found.reason}`)
  return true
}
