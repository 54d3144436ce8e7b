import type { Express } from 'express'

import { announceReady, stopInOrder } from './lifetime.ts'
import type { Stop } from './lifetime.ts'

/** Listens on `PORT`, or on a free port, until the process is asked to go. */
export function serve(app: Express, stopTelemetry: Stop): void {
  const server = app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', (error?: Error) => {
    if (error) throw error
    const address = server.address()
    if (typeof address === 'object' && address !== null) announceReady(`http://127.0.0.1:${address.port}`)
  })
  const closeServer = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
    })
  stopInOrder(closeServer, stopTelemetry)
}
