import type { Attributes } from '@opentelemetry/api'

import type { ResourceLike, TraceSdk } from './trace-sdk.ts'

const serviceNameKey = 'service.name'

/** Who produces the spans: the SDK's own description, then the environment, then the options. */
export function resourceFrom(
  { resources }: TraceSdk,
  serviceName: string | undefined,
  attributes: Attributes | undefined,
): ResourceLike {
  // The env detector of the same install decodes OTEL_RESOURCE_ATTRIBUTES and lets OTEL_SERVICE_NAME win.
  const environment = resources.detectResources({ detectors: [resources.envDetector] })
  const given: Attributes = { ...attributes, ...(serviceName === undefined ? {} : { [serviceNameKey]: serviceName }) }
  return resources.defaultResource().merge(environment).merge(resources.resourceFromAttributes(given))
}
