import { AlwaysOnSampler } from '@opentelemetry/sdk-trace-node'
import { describe, expect, it } from 'vitest'

import { checkOptions, type OptionNames } from '../src/check-options.ts'
import { RunspanExporter, RunspanSpanProcessor } from '../src/export/index.ts'
import { carryRuns, carryingFetch, carryingInterceptor, registerRunspan } from '../src/export/node.ts'
import {
  RunRollupProcessor,
  RunSampler,
  RunSamplingProcessor,
  RunspanError,
  configureRunspan,
  llmFetch,
} from '../src/index.ts'
import * as middleware from '../src/propagation/middleware/index.ts'
import * as readers from '../src/query/readers/index.ts'
import { startReceiver } from '../src/viewer/receiver/index.ts'

interface ToasterOptions {
  readonly slices?: number | undefined
  readonly browningPercent?: number | undefined
}

const names: OptionNames<ToasterOptions> = { slices: true, browningPercent: true }

function messageOf(options: unknown): string {
  try {
    checkOptions('toaster', options as ToasterOptions, names)
    return 'fits'
  } catch (error) {
    expect(RunspanError.is(error) && error.code).toBe('bad_configuration')
    return (error as Error).message
  }
}

describe('checkOptions', () => {
  it.each([
    ['none', {}],
    ['those that are known', { slices: 2, browningPercent: undefined }],
    ['an unknown one that is undefined', { slice: undefined }],
    ['names that only the prototype has', Object.create({ slice: 2 })],
    ['an object without a prototype', Object.assign(Object.create(null), { slices: 2 })],
  ])('lets %s pass', (_title, options) => {
    expect(messageOf(options)).toBe('fits')
  })

  it.each([
    [{ slice: 2 }, 'it has no option slice. Did you mean slices? Known are slices, browningPercent.'],
    [{ browning: 7 }, 'it has no option browning. Did you mean browningPercent? Known are slices, browningPercent.'],
    [{ BrowningPercent: 7 }, 'it has no option BrowningPercent. Did you mean browningPercent? Known are'],
    [{ colour: 'gold' }, 'it has no option colour. Known are slices, browningPercent.'],
    [{ slices: 2, colour: null }, 'it has no option colour.'],
    [{ toString: 1 }, 'it has no option toString.'],
    [JSON.parse('{ "__proto__": 1 }'), 'it has no option __proto__.'],
    [null, 'null cannot be used. Pass an object of options.'],
    ['slices', 'slices cannot be used. Pass an object of options.'],
    [[2], '[object Array] cannot be used. Pass an object of options.'],
  ])('refuses %j', (options, message) => {
    expect(messageOf(options)).toContain(`Failed to configure toaster: ${message}`)
  })

  it('repeats no value, which may be a secret', () => {
    expect(messageOf({ apiKey: 'sk-secret' })).not.toContain('sk-secret')
  })
})

const url = 'http://127.0.0.1:9'
const handler = (): undefined => undefined

/** Everything that takes options at set-up, and an option that it has. */
const takers: Readonly<Record<string, readonly [has: string, (options: never) => unknown]>> = {
  RunRollupProcessor: ['prices', (options) => new RunRollupProcessor(options)],
  RunSampler: ['ratio', (options) => new RunSampler(new AlwaysOnSampler(), options)],
  RunSamplingProcessor: ['keep', (options) => new RunSamplingProcessor([], options)],
  RunspanExporter: ['url', (options) => new RunspanExporter(options)],
  RunspanSpanProcessor: ['url', (options) => new RunspanSpanProcessor(options)],
  registerRunspan: ['delivery', (options) => registerRunspan(options)],
  configureRunspan: ['redact', (options) => configureRunspan(options)],
  llmFetch: ['provider', (options) => llmFetch(undefined, options)],
  carryRuns: ['to', (options) => carryRuns(options)],
  carryingFetch: ['fetch', (options) => carryingFetch(options)],
  carryingInterceptor: ['to', (options) => carryingInterceptor(options)],
  expressMiddleware: ['trust', (options) => middleware.expressMiddleware(options)],
  fastifyPlugin: ['trust', (options) => middleware.fastifyPlugin(options)],
  honoMiddleware: ['trust', (options) => middleware.honoMiddleware(options)],
  koaMiddleware: ['trust', (options) => middleware.koaMiddleware(options)],
  nodeHandler: ['route', (options) => middleware.nodeHandler(handler, options)],
  fetchHandler: ['route', (options) => middleware.fetchHandler(handler, options)],
  trpcMiddleware: ['headers', (options) => middleware.trpcMiddleware(options)],
  startReceiver: ['onSpans', (options) => startReceiver(options)],
  openReader: ['tenant', (options) => readers.openReader(url, options)],
  createJaegerReader: ['searchDepth', (options) => readers.createJaegerReader(url, options)],
  createTempoReader: ['searchLimit', (options) => readers.createTempoReader(url, options)],
  createServeReader: ['timeoutMillis', (options) => readers.createServeReader(url, options)],
  createMemoryReader: ['maxSpans', (options) => readers.createMemoryReader([], options)],
  openSpanStore: ['maxBytes', (options) => readers.openSpanStore(':memory:', options)],
  openSqliteReader: ['tenant', (options) => readers.openSqliteReader('runs.db', options)],
}

describe.each(Object.entries(takers))('%s', (_name, [has, take]) => {
  it('refuses an option that it does not have, and knows what was meant', async () => {
    const misspelt = async (): Promise<unknown> => take({ [`${has}s`]: 'anything' } as never)
    await expect(misspelt).rejects.toThrow(RunspanError)
    await expect(misspelt).rejects.toThrow(`it has no option ${has}s. Did you mean ${has}? Known are `)
  })
})
