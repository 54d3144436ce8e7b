import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { withFreeAddresses } from '../backends/server-process.ts'

/** A broker of a test's own, with nothing in it. */
export interface Broker extends AsyncDisposable {
  /** What clients connect to. */
  readonly url: string
  /** The last lines it logged, for a failing test to print. */
  log(): string
}

/** What a broker is started with. */
export interface BrokerPlace {
  /** Where it may keep what it likes; removed when it has stopped. */
  readonly directory: string
  /** Gives out free addresses of the loopback interface, `127.0.0.1:port`. */
  readonly nextAddress: () => string
  /** Whatever is started has to be stopped with the broker, the last one first. */
  readonly cleanup: AsyncDisposableStack
}

/** Starts a broker in a directory of its own, on free ports; what it has started is stopped where it fails. */
export async function startBroker(
  name: string,
  ports: number,
  start: (place: BrokerPlace) => Promise<Pick<Broker, 'url' | 'log'>>,
): Promise<Broker> {
  return withFreeAddresses(ports, async (nextAddress) => {
    await using cleanup = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), `runspan-${name}-`))
    cleanup.defer(() => rm(directory, { recursive: true, force: true }))
    const { url, log } = await start({ directory, nextAddress, cleanup })
    const owned = cleanup.move()
    return { url, log, [Symbol.asyncDispose]: () => owned.disposeAsync() }
  })
}
