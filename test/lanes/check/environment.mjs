// The OTEL_* variables, which SDK 3.x leaves to whoever sets it up. No dependency but the packages of the lane.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'

import { propagation, trace } from '@opentelemetry/api'
import { wrapAgent } from 'runspan'
import { registerRunspan } from 'runspan/node'

const requests = []
const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    requests.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
    response.setHeader('content-type', 'application/json').end('{}')
  })
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
Object.assign(process.env, {
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.address().port}`,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme',
  OTEL_SERVICE_NAME: 'from-environment',
  OTEL_RESOURCE_ATTRIBUTES: 'team=search%20team',
  OTEL_PROPAGATORS: 'tracecontext',
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: process.argv[2],
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3',
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '4',
  OTEL_SPAN_EVENT_COUNT_LIMIT: '1',
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
})

const [, , , exporter] = process.argv
const telemetry = registerRunspan(exporter === 'stock' ? { exporter } : {})
assert.deepEqual(propagation.fields(), ['traceparent', 'tracestate'])
for (let index = 0; index < 3; index++) {
  await wrapAgent('planner', () => {
    const span = trace.getTracer('app').startSpan('plain')
    span.setAttributes({ first: 'planner', second: 2, third: 3, fourth: 4 })
    span.addEvent('one').addEvent('two', { a: 1, b: 2 }).end()
  })
}
const report = await telemetry.shutdown()
server.close()

if (process.argv[2] === '0') {
  assert.deepEqual([report.status, report.exportedSpans, requests.length], ['completed', 0, 0])
} else {
  assert.deepEqual([report.status, report.exportedSpans], ['completed', 6])
  const batches = requests.map(({ body }) =>
    body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  )
  assert.deepEqual(
    batches.map(({ length }) => length),
    [4, 2],
  )
  assert.equal(requests[0].headers['x-tenant'], 'acme')
  const resource = Object.fromEntries(
    requests[0].body.resourceSpans[0].resource.attributes.map(({ key, value }) => [key, value.stringValue]),
  )
  assert.equal(resource['service.name'], 'from-environment')
  assert.equal(resource.team, 'search team')
  const plain = batches.flat().find(({ name }) => name === 'plain')
  // An int64 is a text in protobuf's JSON, a number in OpenTelemetry's.
  assert.deepEqual(
    plain.attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
    [
      ['first', 'plan'],
      ['second', 2],
      ['third', 3],
    ],
  )
  assert.deepEqual(
    plain.events.map(({ name }) => name),
    ['two'],
  )
}
console.log('ok')
