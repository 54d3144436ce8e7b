import type { Attributes } from '@opentelemetry/api'
import { MeterProvider, MetricReader, type Histogram } from '@opentelemetry/sdk-metrics'

/** One series of a metric: its labels, and its value; of a histogram count and sum. */
export interface MetricPoint {
  readonly labels: Attributes
  readonly value: number
  readonly count?: number
}

class ReaderOfTests extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

/** What a metric says of itself. */
export interface MetricDescription {
  readonly unit: string
  readonly isMonotonic?: boolean | undefined
  readonly boundaries?: readonly number[]
}

/** The SDK's own meter provider, read whenever a test asks. */
export class RecordedMetrics {
  readonly #reader = new ReaderOfTests()
  readonly provider = new MeterProvider({ readers: [this.#reader] })

  /** Every series of one metric; none where nothing was reported. */
  async points(name: string): Promise<readonly MetricPoint[]> {
    const metric = (await this.#all()).find(({ descriptor }) => descriptor.name === name)
    return (metric?.dataPoints ?? []).map(({ attributes, value }) => {
      if (typeof value === 'number') return { labels: attributes, value }
      const { sum = 0, count } = value as Histogram
      return { labels: attributes, value: sum, count }
    })
  }

  /** The sum over all series of a metric. */
  async sum(name: string): Promise<number> {
    return (await this.points(name)).reduce((sum, { value }) => sum + value, 0)
  }

  /** Names, units and buckets of everything that was reported. */
  async descriptions(): Promise<Readonly<Record<string, MetricDescription>>> {
    return Object.fromEntries(
      (await this.#all()).map((metric) => {
        const { name, unit } = metric.descriptor
        const [first] = metric.dataPoints
        const boundaries = typeof first?.value === 'object' ? (first.value as Histogram).buckets.boundaries : undefined
        const isMonotonic = 'isMonotonic' in metric ? metric.isMonotonic : undefined
        return [name, { unit, ...(boundaries === undefined ? { isMonotonic } : { boundaries }) }]
      }),
    )
  }

  /** Every label that was used. */
  async labels(): Promise<ReadonlySet<string>> {
    return new Set(
      (await this.#all()).flatMap(({ dataPoints }) => dataPoints.flatMap((point) => Object.keys(point.attributes))),
    )
  }

  async #all() {
    const { resourceMetrics } = await this.#reader.collect()
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
  }
}
