/**
 * What a run weighs, and what that makes in an hour: the arithmetic of docs/production.md, with measured numbers.
 *
 *     node scripts/sizing.ts [runs per hour] [seconds]
 *
 * Runs are made by the library and encoded by the exporter that applications use. With a built Collector
 * (`npm run backends -- build`) a gateway is loaded for some seconds, and says how many runs it takes.
 *
 * @module
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'

import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'

import { llm, RunIdGenerator, RunRollupProcessor, tool, wrapAgent } from '../src/index.ts'
import { findBackends } from './backends/binaries.ts'
import { startGateway } from './backends/collector.ts'

/** Model calls and tool calls of an ordinary run. */
const modelCalls = 5
const toolCalls = 5
const spansPerRun = 1 + modelCalls + toolCalls
const sampleRuns = 500

/** Makes runs, and returns the bodies that an exporter sends for them. */
async function bodiesOf(
  runs: number,
): Promise<{ readonly bodies: readonly Buffer[]; readonly runIds: readonly string[] }> {
  const bodies: Buffer[] = []
  const runIds: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
      response.end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`
  const provider = new NodeTracerProvider({
    idGenerator: new RunIdGenerator(),
    spanProcessors: [
      new RunRollupProcessor(),
      new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxQueueSize: 100_000 }),
    ],
  })
  provider.register()
  const ask = llm('ask', async () => ({ usage: { input_tokens: 1_200, output_tokens: 80 } }), {
    model: 'gpt-4.1',
    provider: 'openai',
  })
  const search = tool('search', async (query: string) => query.length)
  for (let run = 0; run < runs; run++) {
    const { runId } = await wrapAgent(
      'planner',
      async () => {
        for (let call = 0; call < modelCalls; call++) await ask()
        for (let call = 0; call < toolCalls; call++) await search(`question ${call}`)
      },
      { conversationId: `c-${run}`, userId: `u-${run % 100}` },
    )
    runIds.push(runId)
  }
  await provider.shutdown()
  trace.disable()
  server.close()
  return { bodies, runIds }
}

/** Makes copies of a body in which every trace has another id: a gateway remembers those that it has decided. */
function renamer(body: Buffer, runIds: readonly string[]): (copy: number) => Buffer {
  const positions: number[] = []
  for (const runId of runIds) {
    const bytes = Buffer.from(runId, 'hex')
    for (let at = body.indexOf(bytes); at !== -1; at = body.indexOf(bytes, at + 1)) positions.push(at)
  }
  return (copy) => {
    const other = Buffer.from(body)
    for (const at of positions) other.writeUInt32BE(copy, at)
    return other
  }
}

/** Loads a gateway with a batch of runs again and again, under new trace ids. @returns runs per second */
async function gatewayRunsPerSecond(
  bodies: readonly Buffer[],
  runIds: readonly string[],
  seconds: number,
): Promise<number | string> {
  const found = await findBackends()
  if (found.status !== 'built') return 'not measured: no Collector is built'
  const sink = createServer((request, response) => request.resume().on('end', () => response.end()))
  await once(sink.listen(0, '127.0.0.1'), 'listening')
  await using gateway = await startGateway({
    storeOtlpEndpoint: `http://127.0.0.1:${(sink.address() as AddressInfo).port}`,
    longestRun: '10s',
    afterRoot: '1s',
    basePercent: 5,
  })
  const renamed = bodies.map((body) => renamer(body, runIds))
  const started = performance.now()
  let batches = 0
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while (performance.now() - started < seconds * 1_000) {
        const body = renamed[batches % renamed.length]!(batches++)
        const response = await fetch(`${gateway.otlpHttpEndpoint}/v1/traces`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body,
        })
        await response.body?.cancel()
        if (!response.ok) throw new Error(`the gateway answered ${response.status}`)
      }
    }),
  )
  const runs = (batches * sampleRuns) / bodies.length
  sink.close()
  sink.closeAllConnections()
  return Math.round(runs / ((performance.now() - started) / 1_000))
}

const runsPerHour = Number(process.argv[2] ?? 1_000_000)
const { bodies, runIds } = await bodiesOf(sampleRuns)
const bytes = bodies.reduce((sum, body) => sum + body.length, 0)
const packedBytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
const perSecond = runsPerHour / 3_600
const bytesPerRun = bytes / sampleRuns
const mega = (number: number): string => `${(number / 1e6).toFixed(1)} MB`
console.log(
  `a run of ${spansPerRun} spans: ${Math.round(bytesPerRun)} bytes, ${Math.round(packedBytes / sampleRuns)} packed`,
)
console.log(
  `${runsPerHour} runs an hour: ${perSecond.toFixed(0)} runs and ${(perSecond * spansPerRun).toFixed(0)} spans a second`,
)
console.log(
  `on the wire: ${mega(perSecond * bytesPerRun)} a second, ${mega((perSecond * packedBytes) / sampleRuns)} packed`,
)
console.log(`all of them in a day: ${((perSecond * bytesPerRun * 86_400) / 1e9).toFixed(0)} GB`)
for (const minutes of [1, 15]) {
  console.log(
    `waiting for decisions, runs of ${minutes} minutes: ${mega(perSecond * bytesPerRun * 60 * minutes)} encoded, over all gateways`,
  )
}
const gateway = await gatewayRunsPerSecond(bodies, runIds, Number(process.argv[3] ?? 10))
console.log(`one gateway on this machine: ${gateway}${typeof gateway === 'number' ? ' runs a second' : ''}`)
