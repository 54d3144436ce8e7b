import type { RequestListener } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real HTTP server on a free port. */
export interface Served extends AsyncDisposable {
  readonly url: string
}

/** @param listener an Express application is one */
export async function serve(listener: RequestListener): Promise<Served> {
  // A client that reuses a connection in the moment in which it is closed sees a reset; on a busy machine that happens.
  const server = createServer({ keepAliveTimeout: 120_000 }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
