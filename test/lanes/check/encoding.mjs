// What Runspan sends of the spans of this lane's SDK, field by field beside what the exporter of the same line makes of
// them, as JSON and as protobuf. No dependency but the packages of the lane; prints one line.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

import { SpanKind, SpanStatusCode, createTraceState } from '@opentelemetry/api'
import { RunspanSpanProcessor } from 'runspan/export'
import { startReceiver } from 'runspan/receiver'

const require = createRequire(import.meta.url)
const line = (() => {
  try {
    return { name: '@opentelemetry/sdk-trace-node', sdk: require('@opentelemetry/sdk-trace-node') }
  } catch {
    return { name: '@opentelemetry/sdk-trace', sdk: require('@opentelemetry/sdk-trace') }
  }
})()
const isLine3 = line.name === '@opentelemetry/sdk-trace'
const near = (name) => createRequire(require.resolve(name))
const { resourceFromAttributes } = near(line.name)('@opentelemetry/resources')
const { JsonTraceSerializer, ProtobufTraceSerializer } = near('@opentelemetry/exporter-trace-otlp-http')(
  '@opentelemetry/otlp-transformer',
)

const bodies = { json: [], protobuf: [] }
const server = createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    bodies[request.url.slice(1)].push(Buffer.concat(chunks))
    response.end()
  })
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${server.address().port}`

const ended = []
const nothing = () => Promise.resolve()
const collecting = { onStart() {}, onEnd: (span) => ended.push(span), forceFlush: nothing, shutdown: nothing }
const delivery = new RunspanSpanProcessor({
  destinations: [
    { name: 'json', url: `${url}/json`, protocol: 'http/json', redaction: false },
    { name: 'protobuf', url: `${url}/protobuf`, redaction: false },
  ],
})
const Provider = isLine3 ? line.sdk.TracerProvider : line.sdk.NodeTracerProvider
// Found out while the first spans have ended already.
let found
const detected = new Promise((resolve) => {
  found = resolve
})
const provider = new Provider({
  resource: resourceFromAttributes({ 'service.name': 'lane', 'host.name': detected }),
  spanLimits: {
    attributeCountLimit: 9,
    eventCountLimit: 2,
    linkCountLimit: 2,
    attributePerEventCountLimit: 1,
    attributePerLinkCountLimit: 1,
  },
  spanProcessors: [collecting, delivery],
})
makeSpans()
const flushed = delivery.flush()
found('found later')
assert.equal((await flushed).status, 'completed')
for (const { exportedSpans, droppedSpans } of delivery.stats()) {
  assert.equal(exportedSpans, ended.length)
  assert.equal(
    Object.values(droppedSpans).reduce((sum, spans) => sum + spans, 0),
    0,
  )
}
server.closeAllConnections()
server.close()

assert.deepEqual([bodies.json.length, bodies.protobuf.length], [1, 1])
const theirs = canonical(JSON.parse(Buffer.from(JsonTraceSerializer.serializeRequest(ended)).toString()))
// The flags of spans and links are younger than SDK 2.0's exporter.
const knowsFlags = JSON.stringify(theirs).includes('"flags"')
const ours = canonical(JSON.parse(bodies.json[0].toString()), '', knowsFlags ? '' : 'flags')
assert.deepEqual(ours, theirs)
checkTheControl(theirs)
await checkProtobuf()
const { version } = JSON.parse(readFileSync(`node_modules/${line.name}/package.json`, 'utf8'))
console.log(`ok ${ended.length} spans of SDK ${version}, as JSON and protobuf`)

function makeSpans() {
  const tracer = provider.getTracer('lane', '1.2.3', { schemaUrl: 'https://opentelemetry.io/schemas/1.37.0' })
  const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
  const full = tracer.startSpan('full', {
    kind: SpanKind.CLIENT,
    startTime: [1_795_275_045, 7_000_001],
    links: [
      { context: { ...parent, spanId: 'b7ad6b7169203332' } },
      { context: { ...parent, spanId: 'b7ad6b7169203333' } },
      { context: { ...parent, isRemote: true, traceState: createTraceState('a=b') }, attributes: { one: 1, two: 2 } },
    ],
  })
  full.setAttributes({ text: 'été', int: 812, big: 2 ** 53, negative: -1, ratio: 0.1, yes: true, no: false })
  full.setAttributes({ list: ['a', 'b'], numbers: [1, 2.5], beyond: 'the limit' })
  if (isLine3) full.setAttributes({ list: [{ deep: { er: [1, null, 'x'] } }], text: new Uint8Array([1, 2, 250]) })
  for (const name of ['lost', 'one', 'two']) full.addEvent(name, { a: 1, b: 2 }, [1_795_275_046, 5])
  full.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' })
  full.end([1_795_275_047, 999_999_999])
  tracer.startSpan('bare').end()
  provider.getTracer('another').startSpan('of another scope', { kind: SpanKind.SERVER }).end()
}

/** Without what either side may leave out: fields that hold their default. Integers of 64 bits as texts. */
function canonical(value, key = '', unknown = '') {
  if (Array.isArray(value)) return value.map((part) => canonical(part, '', unknown))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([name, part]) => [name, canonical(part, name, unknown)])
    return Object.fromEntries(entries.filter(([name, part]) => name !== unknown && !isDefault(name, part)))
  }
  return key === 'intValue' || key.endsWith('UnixNano') ? String(value) : value
}

function isDefault(name, part) {
  if (name.endsWith('Value')) return false
  if (typeof part === 'object' && part !== null) return Object.keys(part).length === 0
  return part === undefined || part === 0 || part === ''
}

/** What is compared has everything in it that may differ between SDKs. */
function checkTheControl({ resourceSpans: [{ resource, scopeSpans }] }) {
  const host = resource.attributes.find(({ key }) => key === 'host.name')
  assert.deepEqual(host.value, { stringValue: 'found later' })
  assert.deepEqual(
    scopeSpans.map(({ scope }) => scope.name),
    ['lane', 'another'],
  )
  const [full] = scopeSpans[0].spans
  assert.equal(full.startTimeUnixNano, '1795275045007000001')
  assert.equal(full.endTimeUnixNano, '1795275047999999999')
  assert.equal(full.kind, SpanKind.CLIENT + 1)
  assert.deepEqual(full.status, { message: 'it failed', code: 2 })
  assert.equal(full.attributes.length, 9)
  assert.ok(full.droppedAttributesCount > 0)
  assert.deepEqual([full.events.length, full.droppedEventsCount], [2, 1])
  // SDK 2.0 limits links that are added, and not those that a span begins with.
  assert.equal(full.links.length + (full.droppedLinksCount ?? 0), 3)
  assert.equal(full.links.at(-1).traceState, 'a=b')
}

/** Read by the same receiver, our protobuf says what that of the line's exporter says. */
async function checkProtobuf() {
  const read = []
  const receiver = await startReceiver({ onSpans: (spans) => void read.push(spans) })
  for (const body of [bodies.protobuf[0], ProtobufTraceSerializer.serializeRequest(ended)]) {
    const headers = { 'content-type': 'application/x-protobuf' }
    const response = await fetch(`${receiver.url}/v1/traces`, { method: 'POST', headers, body })
    assert.equal(response.status, 200)
  }
  await receiver.close()
  const [mine, others] = read
  assert.equal(mine.length, ended.length)
  const unknown = knowsFlags ? '' : 'flags'
  assert.deepEqual(canonical(mine, '', unknown), canonical(others, '', unknown))
}
