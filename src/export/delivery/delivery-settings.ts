import type { MeterProvider } from '@opentelemetry/api'

import { checkOptions } from '../../check-options.ts'
import { readNumber, type Environment } from '../environment.ts'
import { deliveryOptionNames, destinationOptionNames, type DeliveryOptions } from './delivery-options.ts'
import { checkedNumber, destinationSettings, unusable, type DestinationSettings } from './destination-settings.ts'
import type { DropReport } from './drop.ts'

/** Everything about a delivery, with every default filled in. */
export interface DeliverySettings {
  readonly destinations: readonly DestinationSettings[]
  readonly onDrop: ((drop: DropReport) => void) | undefined
  readonly meterProvider: MeterProvider | undefined
  readonly scheduledDelayMillis: number
  readonly maxExportBatchSize: number
  readonly maxQueueSize: number
  readonly flushTimeoutMillis: number
  readonly exitTimeoutMillis: number
}

/**
 * A delivery from options, environment and defaults, in this order.
 *
 * @throws {@link RunspanError} `bad_configuration` where something cannot work
 */
export function deliverySettings(options: DeliveryOptions, environment: Environment): DeliverySettings {
  checkOptions('delivery', options, { ...destinationOptionNames, ...deliveryOptionNames })
  checkHooks(options)
  const numberOf = (name: NumberOption, least: number): number | undefined =>
    checkedNumber(name, options[name], least) ?? readNumber(environment, variables[name], least)
  return {
    destinations: destinationsOf(options, environment),
    onDrop: options.onDrop,
    meterProvider: options.meterProvider,
    scheduledDelayMillis: numberOf('scheduledDelayMillis', 0) ?? 1000,
    maxExportBatchSize: numberOf('maxExportBatchSize', 1) ?? 1024,
    maxQueueSize: numberOf('maxQueueSize', 1) ?? Number.POSITIVE_INFINITY,
    flushTimeoutMillis: numberOf('flushTimeoutMillis', 1) ?? 10_000,
    exitTimeoutMillis: checkedNumber('exitTimeoutMillis', options.exitTimeoutMillis, 0) ?? 2000,
  }
}

type NumberOption = 'scheduledDelayMillis' | 'maxExportBatchSize' | 'maxQueueSize' | 'flushTimeoutMillis'

const variables: Readonly<Record<NumberOption, string>> = {
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  flushTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
}

function checkHooks(options: DeliveryOptions): void {
  if (options.onDrop !== undefined && typeof options.onDrop !== 'function') {
    throw unusable('onDrop', options.onDrop, 'Pass a function.')
  }
  if (options.meterProvider !== undefined && typeof options.meterProvider?.getMeter !== 'function') {
    throw unusable('meterProvider', options.meterProvider, 'Pass a MeterProvider.')
  }
}

function destinationsOf(options: DeliveryOptions, environment: Environment): readonly DestinationSettings[] {
  const { destinations } = options
  if (destinations === undefined) return [destinationSettings(options, environment, true)]
  if (!Array.isArray(destinations) || destinations.length === 0) {
    throw unusable('destinations', destinations, 'Pass an array with at least one destination.')
  }
  for (const name of Object.keys(destinationOptionNames)) {
    if (options[name as keyof DeliveryOptions] !== undefined)
      throw unusable(name, 'it', 'Beside destinations, set it in each of them.')
  }
  const settings = destinations.map((destination) => {
    checkOptions('destinations', destination, destinationOptionNames)
    if (destination.url === undefined) throw unusable('destinations', 'one without a url', 'Give each a url.')
    return destinationSettings(destination, environment, false)
  })
  const names = settings.map(({ name }) => name)
  if (new Set(names).size < names.length) {
    throw unusable('destinations', names.join(', '), 'Give each a name of its own.')
  }
  return settings
}
