// Three services in one process, with the official HTTP instrumentation: two without the middleware, one with it.
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import type { Express } from 'express'
import { expressMiddleware } from 'runspan'

import { provide } from './hop-provider.ts'

provide()
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] })
// Only now: the HTTP instrumentation patches what is loaded after it.
const { default: express } = await import('express')

async function serve(use: (app: Express) => void): Promise<string> {
  const app = express()
  use(app)
  app.get('/empty', (_request, response) => void response.json({ ok: true }))
  app.get('/slow', async (_request, response) => {
    await pause(5)
    response.json({ ok: true })
  })
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    })
  })
}

const plain = (): void => {}
process.send!({
  raw: await serve(plain),
  control: await serve(plain),
  ours: await serve((app) => void app.use(expressMiddleware({ trust: true }))),
})
