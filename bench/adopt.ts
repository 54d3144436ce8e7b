/**
 * What looking for agents adds to a span outside of runs: requests as an HTTP server traces them, with `adopt` and
 * without, in one process. Prints microseconds per span: the difference within a round, its median over rounds.
 *
 * `npm run bench:adopt`
 */
import { SpanKind, context, trace, type Attributes } from '@opentelemetry/api'
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { RunRollupProcessor, type RollupOptions } from 'runspan'

import { nullBatch } from './null-batch.ts'
import { median, pairedRounds } from './paired.ts'

const spansPerRequest = 6
const requestsPerBlock = 200
const rounds = 200

const requestAttributes: Attributes = {
  'http.request.method': 'GET',
  'url.path': '/orders/7',
  'url.scheme': 'http',
  'server.address': 'shop',
  'server.port': 80,
  'user_agent.original': 'curl',
  'network.protocol.version': '1.1',
  'http.route': '/orders/:id',
}
const queryAttributes: Attributes = {
  'db.system.name': 'postgresql',
  'db.namespace': 'shop',
  'db.query.text': 'select * from orders where id = $1',
  'server.address': 'db',
  'server.port': 5432,
}

function provider(rollup: RollupOptions | undefined): NodeTracerProvider {
  const batch = nullBatch()
  return new NodeTracerProvider({
    spanProcessors: rollup === undefined ? [batch] : [new RunRollupProcessor(rollup), batch],
  })
}

/** A request: a middleware that does nothing, and a handler that asks the database three times. */
function request(from: NodeTracerProvider): void {
  const http = from.getTracer('http')
  const database = from.getTracer('pg')
  const server = http.startSpan('GET /orders/:id', { kind: SpanKind.SERVER, attributes: requestAttributes })
  const inRequest = trace.setSpan(context.active(), server)
  http.startSpan('middleware', {}, inRequest).end()
  const handler = http.startSpan('handler', { attributes: { 'express.type': 'request_handler' } }, inRequest)
  const inHandler = trace.setSpan(inRequest, handler)
  for (let query = 0; query < 3; query++) {
    database.startSpan('pg.query', { kind: SpanKind.CLIENT, attributes: queryAttributes }, inHandler).end()
  }
  handler.end()
  server.setAttribute('http.response.status_code', 200)
  server.end()
}

function side(from: NodeTracerProvider): { unit: () => Promise<void>; settle: () => Promise<void> } {
  return {
    unit: () => {
      request(from)
      return Promise.resolve()
    },
    settle: () => from.forceFlush(),
  }
}

const sides = {
  plain: side(provider(undefined)),
  counting: side(provider({ adopt: false })),
  adopting: side(provider({ adopt: 'agents' })),
}
const timed = await pairedRounds(sides, { rounds, unitsPerBlock: requestsPerBlock, warmUpRounds: rounds / 4 })
const micros = (nanos: number): string => (nanos / spansPerRequest / 1000).toFixed(2)
console.log(`Node ${process.version}, medians of ${rounds} rounds`)
console.log(`span of a request                  ${micros(median(timed.map(({ plain }) => plain)))} µs without`)
console.log(
  `with the rollup                    ${micros(median(timed.map(({ plain, counting }) => counting - plain)))} µs more`,
)
console.log(
  `with the rollup, looking for agents ${micros(median(timed.map(({ plain, adopting }) => adopting - plain)))} µs more`,
)
