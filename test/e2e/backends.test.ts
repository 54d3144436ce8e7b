import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ensureBackends, findBackends } from '../../scripts/backends/binaries.ts'
import { nowhere, startCollector, validateCollectorConfig } from '../../scripts/backends/collector.ts'
import { checkComposeFile, whyNoComposeCheck } from '../../scripts/backends/compose-check.ts'
import { fetchTrace, waitForTrace } from '../../scripts/backends/jaeger-api.ts'
import { startJaeger } from '../../scripts/backends/jaeger.ts'

const found = await findBackends()
if (found.status === 'missing') console.warn(`skipped: ${found.reason}`)

describe.skipIf(found.status === 'missing')('real backends', () => {
  // The first build takes minutes; later ones are cached.
  beforeAll(async () => void (await ensureBackends()), 900_000)

  it('has a Collector configuration that the Collector accepts', async () => {
    await validateCollectorConfig()
  })

  it('delivers a trace through the Collector to Jaeger while Tempo is down', async () => {
    await using jaeger = await startJaeger()
    await using collector = await startCollector({ jaegerOtlpEndpoint: jaeger.otlpHttpEndpoint })
    const traceId = newTraceId()

    await sendTrace(collector.otlpHttpEndpoint, traceId)
    const spans = await waitForTrace(jaeger.queryUrl, traceId, { until: (all) => all.length === 2 })

    const [root, child] = spans
    expect(spans.map(({ name }) => name)).toEqual(['invoke_agent planner', 'chat small-model'])
    expect(root).toMatchObject({ traceId, parentSpanId: undefined, kind: 1, statusCode: 0 })
    expect(root?.resource).toMatchObject({ 'service.name': 'backends-test' })
    expect(child).toMatchObject({ traceId, parentSpanId: root?.spanId, kind: 3, statusCode: 2 })
    expect(child?.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 1200, 'gen_ai.operation.name': 'chat' })
  })

  it('delivers after a crash what the Collector accepted while Jaeger was down', async () => {
    const queueDirectory = await mkdtemp(join(tmpdir(), 'runspan-queue-'))
    const traceId = newTraceId()
    try {
      {
        await using collector = await startCollector({ jaegerOtlpEndpoint: nowhere, queueDirectory })
        await sendTrace(collector.otlpHttpEndpoint, traceId)
        process.kill(collector.pid, 'SIGKILL')
      }
      await using jaeger = await startJaeger()
      expect(await fetchTrace(jaeger.queryUrl, traceId)).toBeUndefined()
      await using restarted = await startCollector({ jaegerOtlpEndpoint: jaeger.otlpHttpEndpoint, queueDirectory })
      const spans = await waitForTrace(jaeger.queryUrl, traceId, { until: (all) => all.length >= 2 })
      expect(spans, restarted.log()).toHaveLength(2)
    } finally {
      await rm(queueDirectory, { recursive: true, force: true })
    }
  })

  it('leaves no process and no queue behind', async () => {
    const collector = await startCollector({ jaegerOtlpEndpoint: nowhere })
    const jaeger = await startJaeger()
    const pids = [collector.pid, jaeger.pid]
    expect(pids.map(isRunning)).toEqual([true, true])

    await Promise.all([collector.stop(), jaeger.stop(), collector.stop()])

    expect(pids.map(isRunning)).toEqual([false, false])
  })
})

const whyNoCheck = await whyNoComposeCheck()
if (whyNoCheck !== undefined) console.warn(`skipped, docker-compose.yml as docker compose reads it: ${whyNoCheck}`)

describe('docker-compose.yml', () => {
  const { services, volumes }: ComposeFile = parse(readText('docker-compose.yml'))
  const all = Object.entries(services)
  /** Services that run once and end. Compose knows them by what others wait for. */
  const onceOnly = new Set(
    all.flatMap(([, service]) =>
      Object.entries(service.depends_on ?? {})
        .filter(([, { condition }]) => condition === 'service_completed_successfully')
        .map(([name]) => name),
    ),
  )

  it.skipIf(whyNoCheck !== undefined)(
    'is taken by the parser of docker compose',
    async () => {
      await checkComposeFile(pathOf('docker-compose.yml'))
      // The control: a misspelt key is refused, and so is a dependency on what is not there.
      const directory = await mkdtemp(join(tmpdir(), 'runspan-compose-'))
      for (const [right, wrong] of [
        ['healthcheck:', 'healtcheck:'],
        ['      jaeger:\n        condition', '      jagger:\n        condition'],
      ] as const) {
        const file = join(directory, 'docker-compose.yml')
        await writeFile(file, readText('docker-compose.yml').replaceAll(right, wrong))
        await expect(checkComposeFile(file)).rejects.toThrow(/healtcheck|jagger/)
      }
      await rm(directory, { recursive: true })
    },
    300_000,
  )

  it('mounts the files that the end-to-end tests start their backends with', () => {
    expect(mountsOf(services['collector'])).toMatchObject({
      './collector-config.yaml': '/etc/runspan/collector-config.yaml:ro',
    })
    expect(services['collector']?.command).toContain('/etc/runspan/collector-config.yaml')
    expect(mountsOf(services['jaeger'])).toEqual({ './deploy/jaeger.yaml': '/etc/runspan/jaeger.yaml:ro' })
    expect(services['jaeger']?.command).toContain('/etc/runspan/jaeger.yaml')
    expect(mountsOf(services['prometheus'])).toMatchObject({
      './deploy/prometheus.yaml': '/etc/runspan/prometheus.yaml:ro',
    })
    expect(services['prometheus']?.command).toContain('--config.file=/etc/runspan/prometheus.yaml')
  })

  it.each(all)('mounts into %s only files that exist and volumes that are declared', (_name, service) => {
    for (const source of Object.keys(mountsOf(service))) {
      if (source.startsWith('.')) expect(existsSync(pathOf(source)), source).toBe(true)
      else expect(Object.keys(volumes)).toContain(source)
    }
  })

  it.each(all)('pins the image of %s by its version', (_name, { image }) => {
    expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+\.\d+(-\w+)?$/)
  })

  it('takes the contrib image of the version that is tested', () => {
    const { dist }: { dist: { version: string } } = parse(readText('scripts/backends/collector-manifest.yaml'))
    expect(services['collector']?.image).toBe(`otel/opentelemetry-collector-contrib:${dist.version}`)
  })

  it.each(all)('publishes the ports of %s on loopback only', (_name, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
  })

  it.each(all.filter(([name]) => !onceOnly.has(name)))('has a health check for %s', (_name, { healthcheck }) => {
    expect(healthcheck?.test[0]).toBe('CMD')
  })

  it('waits for one service that runs once, and for the health of all others', () => {
    expect([...onceOnly]).toEqual(['collector-setup'])
    const conditions = all.flatMap(([, service]) => Object.entries(service.depends_on ?? {}))
    for (const [name, { condition }] of conditions) {
      expect(condition, name).toBe(onceOnly.has(name) ? 'service_completed_successfully' : 'service_healthy')
    }
  })

  it.each([
    ['collector', 'collector-config.yaml', 'RUNSPAN_'],
    ['jaeger', 'deploy/jaeger.yaml', 'RUNSPAN_'],
    ['tempo', 'deploy/tempo.yaml', 'RUNSPAN_'],
  ])('sets for %s exactly the variables that %s reads', (name, file, prefix) => {
    const read = [...readText(file).matchAll(/\$\{(?:env:)?(\w+):-/g)].map(([, variable]) => variable)
    const set = Object.keys(services[name]?.environment ?? {}).filter((variable) => variable.startsWith(prefix))
    expect(new Set(set)).toEqual(new Set(read))
  })

  it.each([
    'collector-config.yaml',
    'deploy/jaeger.yaml',
    'deploy/jaeger-badger.yaml',
    'deploy/tempo.yaml',
    'deploy/collector-gateway.yaml',
    'deploy/collector-node.yaml',
  ])('listens on loopback where %s is used without its variables', (file) => {
    const text = readText(file).replaceAll(/^ *#.*$/gm, '')
    expect(text).toContain('127.0.0.1')
    expect(text).not.toMatch(/0\.0\.0\.0|\[::\]/)
  })

  it('gives Grafana all stores, under the names that compose gives them', () => {
    const { datasources }: GrafanaFile = parse(readText('deploy/grafana/provisioning/datasources/traces.yaml'))
    expect(datasources.map(({ type, url }) => [type, new URL(url).hostname])).toEqual([
      ['tempo', 'tempo'],
      ['jaeger', 'jaeger'],
      ['prometheus', 'prometheus'],
    ])
    expect(mountsOf(services['grafana'])).toMatchObject({
      './deploy/grafana/provisioning/datasources': '/etc/grafana/provisioning/datasources:ro',
      './deploy/grafana/provisioning/dashboards': '/etc/grafana/provisioning/dashboards:ro',
      './deploy/grafana/dashboards': '/etc/grafana/dashboards:ro',
    })
  })
})

/** A run of one model call that failed, as an application's exporter would send it. */
async function sendTrace(otlpHttpEndpoint: string, traceId: string): Promise<void> {
  const startUnixNano = BigInt(Date.now()) * 1_000_000n
  const rootSpanId = traceId.slice(16)
  const spans = [
    {
      traceId,
      spanId: rootSpanId,
      name: 'invoke_agent planner',
      kind: 1,
      startTimeUnixNano: String(startUnixNano),
      endTimeUnixNano: String(startUnixNano + 5_000_000n),
    },
    {
      traceId,
      spanId: randomBytes(8).toString('hex'),
      parentSpanId: rootSpanId,
      name: 'chat small-model',
      kind: 3,
      startTimeUnixNano: String(startUnixNano + 1_000_000n),
      endTimeUnixNano: String(startUnixNano + 4_000_000n),
      attributes: [
        { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
        { key: 'gen_ai.usage.input_tokens', value: { intValue: '1200' } },
      ],
      status: { code: 2, message: 'rate limited' },
    },
  ]
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'backends-test' } }] }
  const response = await fetch(`${otlpHttpEndpoint}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
  })
  expect(response.status, await response.text()).toBe(200)
}

/** Begins with two zeros: stores that cut leading zeros would not find it. */
function newTraceId(): string {
  return `00${randomBytes(15).toString('hex')}`
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url))
}

function readText(file: string): string {
  return readFileSync(pathOf(file), 'utf8')
}

/** Source to target and mode, as `source:target[:mode]` says them. */
function mountsOf(service: ComposeService | undefined): Record<string, string> {
  return Object.fromEntries(
    (service?.volumes ?? []).map((mount) => {
      const [source = '', ...target] = mount.split(':')
      return [source, target.join(':')]
    }),
  )
}

interface ComposeFile {
  services: Record<string, ComposeService>
  volumes: Record<string, unknown>
}

interface ComposeService {
  image: string
  command?: string[]
  environment?: Record<string, string>
  volumes?: string[]
  ports?: string[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
}

interface GrafanaFile {
  datasources: { type: string; url: string }[]
}
