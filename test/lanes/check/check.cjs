// What every lane must do, whichever SDK, Node and module system it is. No dependency: it runs where only the packages of
// the lane are installed. Called by entry.mjs and entry.cjs with what they imported or required; throws where something
// is wrong, else returns one line.
const assert = require('node:assert/strict')
const { createServer } = require('node:http')
const { createRequire } = require('node:module')
const path = require('node:path')

const ROOT_KINDS = { INTERNAL: 1, SERVER: 2, CLIENT: 3, PRODUCER: 4 }
const ERROR = 2

/** @param loaded `runspan`, `preset` (runspan/node), `api`, `otherApi` (the copy of the other module system), `how` */
module.exports = async function check({ runspan, preset, api, otherApi, how }) {
  const sink = await startSink()
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = sink.url
  process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'http/json'
  const early = [api, otherApi].map(({ trace }, index) => trace.getTracer(`early ${index}`))
  const telemetry = preset.registerRunspan({ serviceName: 'lane' })
  assert.deepEqual(await runspan.doctor(), [], 'doctor finds nothing')

  const facts = await doWork(runspan, early)
  const report = await telemetry.flush()
  assert.equal(report.status, 'completed')
  assert.equal(report.exportedSpans, sink.spans.length)
  assert.equal(report.failedSpans + report.droppedSpans, 0)

  checkEverySpan(sink.spans)
  checkPlanner(sink, facts)
  checkLinks(sink, facts)
  checkJoined(sink, facts)
  checkOthers(sink, facts)
  const logs = await checkFeedbackAsLog(runspan, api, facts)
  checkSampling(runspan)
  assert.equal(runspan.stats().internalErrors, 0, 'no failure of our own')
  assert.equal(runspan.currentRun(), undefined)
  assert.equal((await telemetry.shutdown()).status, 'completed')
  await sink.close()
  return `ok ${how} on ${process.version}, SDK ${sink.sdkVersion()}, ${sink.spans.length} spans, logs ${logs}`
}

/** Everything that a process does with runs. */
async function doWork(runspan, early) {
  const { wrapAgent, withSpan, tool, joinRun, recordLlmCall, startRun, endRun, newRunId, runIdOf } = runspan
  const call = (inputTokens, more) =>
    recordLlmCall({ model: 'small-model', provider: 'acme', inputTokens, outputTokens: 1, costUsd: 0.01, ...more })
  const facts = { chosen: newRunId() }

  facts.planner = await wrapAgent(
    'planner',
    async (run) => {
      for (let index = 0; index < 140; index++) run.setAttribute(`app.${index}`, index)
      await new Promise((resolve) => setImmediate(resolve))
      assert.equal(runspan.currentRunId(), facts.chosen)
      call(100)
      facts.headers = runspan.propagationHeaders()
      assert.equal(tool('lookup', (key) => `${key}!`)('order'), 'order!')
      withSpan('critic', () => call(7), { type: 'agent' })
      facts.executor = await wrapAgent('executor', async () => call(1000))
      facts.ref = run.spawn('writer', { goal: 'write it down' })
      facts.loaded = joinRun(run.ref, () => call(3), { name: 'load rows' })
      // Links that no backend takes must not leave the process.
      run.addLink({ type: 'follow_up', to: 'zz' })
      run.addLink({ type: 'follow_up', to: { traceId: '0'.repeat(32), spanId: 'zz', traceFlags: 1 } })
      facts.totals = run.totals
      return 'done'
    },
    { runId: facts.chosen, conversationId: 'c-1', userId: 'u-1', input: { question: 'why' } },
  )
  facts.writer = await wrapAgent('writer', () => call(20), { from: JSON.parse(JSON.stringify(facts.ref)) })
  facts.dangling = await wrapAgent('dangling', () => call(1), { parentRunId: 'ticket 42' })

  const streamer = await wrapAgent('streamer', async function* stream() {
    yield 'a'
    call(50)
    await new Promise((resolve) => setTimeout(resolve, 5))
    yield 'b'
    call(50)
  })
  const chunks = []
  for await (const chunk of streamer.result) chunks.push(chunk)
  assert.deepEqual(chunks, ['a', 'b'])
  facts.streamer = { runId: streamer.runId, summary: await streamer.ended }

  facts.thrown = new TypeError('as it was')
  await assert.rejects(
    wrapAgent('failing', () => Promise.reject(facts.thrown)),
    (error) => error === facts.thrown,
  )
  facts.failingRunId = runIdOf(facts.thrown)

  const open = startRun('importer', { goal: 'load rows' })
  open.with(() => call(11))
  facts.handedOff = JSON.parse(JSON.stringify(open.handOff()))
  assert.equal(endRun(facts.handedOff, { output: { rows: 3 } }), true)
  assert.equal(endRun(facts.handedOff), false)

  const byHand = startRun('by hand')
  assert.equal(endRun(byHand.runId, { status: 'cancelled' }), true)
  facts.byHandRunId = byHand.runId

  runspan.recordFeedback(facts.chosen, { score: 1, label: 'good', comment: 'nice' })
  early.forEach((tracer, index) => tracer.startSpan(`early ${index}`).end())
  return facts
}

function checkEverySpan(spans) {
  for (const span of spans) {
    assert.match(span.traceId, /^[0-9a-f]{32}$/)
    assert.match(span.spanId, /^[0-9a-f]{16}$/)
    for (const link of span.links) {
      assert.match(link.traceId, /^(?!0{32})[0-9a-f]{32}$/, `link of ${span.name}`)
      assert.match(link.spanId, /^(?!0{16})[0-9a-f]{16}$/, `link of ${span.name}`)
    }
    if (span.attributes['gen_ai.conversation.id'] !== undefined) {
      assert.equal(span.attributes['gen_ai.conversation.id'], 'c-1')
    }
  }
}

/** A root's identity: the run id is the trace id, the span id its low half, and the trace is marked as a run. */
function rootOf(sink, runId, agentName) {
  const roots = sink.spans.filter((span) => span.traceId === runId && span.parentSpanId === undefined)
  assert.equal(roots.length, 1, `roots of ${agentName}`)
  const [root] = roots
  assert.equal(root.name, `invoke_agent ${agentName}`)
  assert.equal(root.kind, ROOT_KINDS.INTERNAL)
  assert.equal(root.spanId, runId.slice(16))
  assert.equal(root.attributes['runspan.run.id'], runId)
  assert.equal(root.attributes['gen_ai.agent.name'], agentName)
  assert.equal(root.attributes['runspan.rollup.scope'], 'run')
  for (const span of sink.spans.filter((candidate) => candidate.traceId === runId)) {
    assert.equal(span.traceState, `runspan=${runId.slice(16)}`, `trace state of ${span.name}`)
  }
  return root
}

function has(attributes, expected, what) {
  for (const [key, value] of Object.entries(expected)) assert.equal(attributes[key], value, `${what}: ${key}`)
}

function checkPlanner(sink, { planner, chosen, totals, headers }) {
  assert.equal(planner.runId, chosen)
  assert.equal(planner.result, 'done')
  const root = rootOf(sink, chosen, 'planner')
  // 100 of its own, 7 of the critic, 3 of the joined part; the executor's 1000 are the executor's.
  has(
    root.attributes,
    {
      'runspan.run.status': 'completed',
      'runspan.usage.input_tokens': 110,
      'runspan.usage.output_tokens': 3,
      'runspan.cost.nano_usd': 30_000_000,
      'runspan.cost.source': 'reported',
      'runspan.calls.llm': 3,
      'runspan.calls.tool': 1,
      'runspan.rollup.complete': false,
      'gen_ai.conversation.id': 'c-1',
      'user.id': 'u-1',
      'runspan.input': '{"question":"why"}',
    },
    'planner',
  )
  assert.equal(root.attributes['runspan.errors'], undefined)
  assert.ok(root.droppedAttributesCount > 0, 'the application went past the limit of 128 attributes')
  assert.equal(totals.inputTokens, 110)
  assert.equal(totals.llmCalls, 3)
  assert.equal(headers.traceparent, `00-${chosen}-${root.spanId}-01`)
  assert.equal(headers.tracestate, `runspan=${chosen.slice(16)}`)

  const critic = sink.named('invoke_agent critic')
  has(critic.attributes, { 'runspan.rollup.scope': 'agent', 'runspan.usage.input_tokens': 7 }, 'critic')
  assert.equal(critic.parentSpanId, root.spanId)
  assert.equal(sink.named('execute_tool lookup').parentSpanId, root.spanId)
  const inner = sink.spans.find((span) => span.parentSpanId === critic.spanId)
  has(inner.attributes, { 'gen_ai.usage.input_tokens': 7, 'runspan.call.cost.nano_usd': 10_000_000 }, 'critic call')
}

function checkLinks(sink, { planner, executor, writer, ref, dangling }) {
  const executorRoot = rootOf(sink, executor.runId, 'executor')
  const dispatch = sink.spans.find((span) => span.attributes['runspan.child_run.id'] === executor.runId)
  assert.equal(dispatch.traceId, planner.runId)
  assert.equal(dispatch.kind, ROOT_KINDS.CLIENT)
  has(
    executorRoot.attributes,
    { 'runspan.parent_run.id': planner.runId, 'runspan.root_run.id': planner.runId },
    'child',
  )
  linked(executorRoot, dispatch, 'parent')
  linked(dispatch, executorRoot, 'parent')
  assert.equal(executorRoot.attributes['runspan.usage.input_tokens'], 1000)
  assert.equal(executorRoot.attributes['runspan.rollup.complete'], true)

  assert.equal(writer.runId, ref.runId)
  const writerRoot = rootOf(sink, writer.runId, 'writer')
  const producer = sink.spans.find((span) => span.kind === ROOT_KINDS.PRODUCER)
  assert.equal(producer.traceId, planner.runId)
  has(producer.attributes, { 'runspan.child_run.id': writer.runId, 'runspan.run.goal': 'write it down' }, 'producer')
  has(writerRoot.attributes, { 'runspan.run.detached': true, 'runspan.parent_run.id': planner.runId }, 'writer')
  linked(writerRoot, producer, 'spawn')
  linked(producer, writerRoot, 'spawn')

  const danglingRoot = rootOf(sink, dangling.runId, 'dangling')
  assert.equal(danglingRoot.attributes['runspan.parent_run.id'], 'ticket 42')
  assert.deepEqual(danglingRoot.links, [])
}

function linked(from, to, type) {
  const found = from.links.find((link) => link.traceId === to.traceId && link.spanId === to.spanId)
  assert.ok(found, `${from.name} links to ${to.name}`)
  assert.equal(found.attributes['runspan.link.type'], type)
}

function checkJoined(sink, { planner }) {
  const segment = sink.named('load rows')
  assert.equal(segment.traceId, planner.runId)
  assert.equal(segment.parentSpanId, planner.runId.slice(16))
  has(
    segment.attributes,
    { 'runspan.segment': true, 'runspan.rollup.scope': 'segment', 'runspan.usage.input_tokens': 3 },
    'segment',
  )
}

function checkOthers(sink, { chosen, streamer, failingRunId, thrown, handedOff, byHandRunId }) {
  const streamed = rootOf(sink, streamer.runId, 'streamer')
  has(streamed.attributes, { 'runspan.usage.input_tokens': 100, 'runspan.rollup.complete': true }, 'streamer')
  assert.equal(streamer.summary.status, 'completed')
  assert.equal(streamer.summary.totals.llmCalls, 2)

  const failed = rootOf(sink, failingRunId, 'failing')
  has(failed.attributes, { 'runspan.run.status': 'failed', 'error.type': 'TypeError', 'runspan.errors': 1 }, 'failing')
  assert.deepEqual(failed.status, { code: ERROR, message: thrown.message })
  assert.equal(failed.events.find((event) => event.name === 'exception').attributes['exception.message'], 'as it was')

  const ended = rootOf(sink, handedOff.runId, 'importer')
  has(
    ended.attributes,
    { 'runspan.run.status': 'completed', 'runspan.usage.input_tokens': 11, 'runspan.output': '{"rows":3}' },
    'importer',
  )
  assert.equal(BigInt(ended.startTimeUnixNano), BigInt(handedOff.startUnixNano))
  has(rootOf(sink, byHandRunId, 'by hand').attributes, { 'runspan.run.status': 'cancelled' }, 'by hand')

  const feedback = sink.named('gen_ai.evaluation.result')
  assert.notEqual(feedback.traceId, chosen)
  assert.equal(feedback.attributes['gen_ai.evaluation.explanation'], 'nice')
  assert.deepEqual(
    feedback.links.map(({ traceId, spanId, attributes }) => [traceId, spanId, attributes['runspan.link.type']]),
    [[chosen, chosen.slice(16), 'review']],
  )
  for (const name of ['early 0', 'early 1'])
    assert.equal(sink.spans.filter((span) => span.name === name).length, 1, name)
}

/** Where a logs SDK is installed, feedback is a log record in the context of the run's root. */
async function checkFeedbackAsLog(runspan, api, { chosen }) {
  const require = createRequire(path.join(process.cwd(), 'lane.js'))
  let sdk
  try {
    sdk = require('@opentelemetry/sdk-logs')
  } catch {
    return 'not installed'
  }
  const { logs } = api.logs === undefined ? require('@opentelemetry/api-logs') : api
  const records = []
  const processor = {
    onEmit: (record) => void records.push(record),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
  // 2.0 adds processors one by one, later versions take them all at once.
  const provider = new sdk.LoggerProvider({ processors: [processor] })
  provider.addLogRecordProcessor?.(processor)
  logs.setGlobalLoggerProvider(provider)
  runspan.recordFeedback(chosen, { score: 0.5 })
  assert.equal(records.length, 1)
  assert.equal(records[0].attributes['gen_ai.evaluation.score.value'], 0.5)
  assert.equal(records[0].spanContext.traceId, chosen)
  assert.equal(records[0].spanContext.spanId, chosen.slice(16))
  await provider.shutdown()
  return 'checked'
}

/** What a sampler drops is counted all the same, and a run that failed leaves whole. */
function checkSampling(runspan) {
  const require = createRequire(path.join(process.cwd(), 'lane.js'))
  const sdk = requireFirst(require, ['@opentelemetry/sdk-trace-node', '@opentelemetry/sdk-trace'])
  const isPositional = sdk.NodeTracerProvider !== undefined
  const exporter = new sdk.InMemorySpanExporter()
  const exporting = new sdk.SimpleSpanProcessor(isPositional ? exporter : { exporter })
  const provider = new (sdk.NodeTracerProvider ?? sdk.TracerProvider)({
    idGenerator: new runspan.RunIdGenerator(),
    sampler: new runspan.RunSampler(new sdk.AlwaysOffSampler()),
    spanProcessors: [
      new runspan.RunRollupProcessor({ prices: 'none' }),
      new runspan.RunSamplingProcessor(exporting, { keep: { failed: true } }),
    ],
  })
  const tracer = provider.getTracer('lane')
  const runs = ['completed', 'failed'].map((status) => {
    const run = runspan.startRun('sampled', { tracer })
    run.with(() => {
      const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 5 }
      tracer.startSpan('chat', { attributes }).end()
    })
    const { totals } = run.end({ status })
    assert.equal(totals.inputTokens, 5, `totals of an unsampled run that ${status}`)
    assert.equal(run.recorded, true)
    return run.runId
  })
  tracer.startSpan('GET /health').end()
  const left = exporter.getFinishedSpans()
  assert.deepEqual(
    left.map((span) => [span.name, runs.indexOf(span.spanContext().traceId), span.spanContext().traceFlags]),
    [
      ['invoke_agent sampled', 0, 1],
      ['chat', 1, 1],
      ['invoke_agent sampled', 1, 1],
    ],
  )
  assert.deepEqual(
    left.map((span) => span.attributes['runspan.usage.input_tokens']),
    [5, undefined, 5],
  )
}

function requireFirst(require, names) {
  for (const name of names) {
    try {
      return require(name)
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new Error(`none of ${names.join(', ')} is installed`)
}

/** An OTLP/HTTP JSON endpoint that keeps spans with plain attributes. */
async function startSink() {
  const spans = []
  let sdkVersion
  const server = createServer((request, response) => {
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString())
      for (const { resource, scopeSpans } of body.resourceSpans) {
        const described = plain(resource.attributes)
        assert.equal(described['service.name'], 'lane')
        sdkVersion = described['telemetry.sdk.version']
        for (const scope of scopeSpans) spans.push(...scope.spans.map(readSpan))
      }
      response.setHeader('content-type', 'application/json').end('{}')
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    spans,
    sdkVersion: () => sdkVersion,
    named(name) {
      const found = spans.filter((span) => span.name === name)
      assert.equal(found.length, 1, `spans named ${name}`)
      return found[0]
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function readSpan(span) {
  return {
    ...span,
    parentSpanId: span.parentSpanId || undefined,
    attributes: plain(span.attributes),
    links: (span.links ?? []).map((link) => ({ ...link, attributes: plain(link.attributes) })),
    events: (span.events ?? []).map((event) => ({ ...event, attributes: plain(event.attributes) })),
  }
}

function plain(attributes) {
  return Object.fromEntries(
    (attributes ?? []).map(({ key, value }) => [
      key,
      value.stringValue ??
        value.boolValue ??
        value.doubleValue ??
        (value.intValue === undefined ? value : Number(value.intValue)),
    ]),
  )
}
