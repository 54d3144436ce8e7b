import { shownUrl, type DestinationSettings } from './destination-settings.ts'

/** What to look at where a destination cannot be reached, or is busy. */
export function adviceWhileDown(reason: string, { url }: DestinationSettings): string {
  // What Node says of an answer that is not HTTP/1: gRPC speaks HTTP/2.
  if (reason.includes('Parse Error')) {
    return `${shownUrl(url)} speaks no HTTP/1: collectors take OTLP over HTTP at port 4318, and gRPC at 4317.`
  }
  return `Check that a collector listens at ${shownUrl(url)} (OTEL_EXPORTER_OTLP_ENDPOINT).`
}

/** What to change where a destination answers that nothing at all can be delivered. Names headers, never their values. */
export function adviceWhileHeld(reason: string, settings: DestinationSettings): string {
  const url = shownUrl(settings.url)
  const status = /^HTTP (\d+)/.exec(reason)?.[1] ?? ''
  switch (status) {
    case '401':
    case '403':
    case '407':
      return `Check the credentials for ${url}: ${sentHeaders(settings)}.`
    case '404':
    case '405':
      return `Check the path of ${url}: OTLP over HTTP is at /v1/traces of most collectors.`
    case '415':
      return `Check the protocol: ${url} does not take ${settings.protocol}.`
    default:
      return `Check the address ${url}.`
  }
}

function sentHeaders({ headers }: DestinationSettings): string {
  const names = Object.keys(headers)
  if (names.length === 0) {
    return 'no header was set. Set OTEL_EXPORTER_OTLP_HEADERS, such as authorization=Bearer%20…'
  }
  return `the headers sent are ${names.join(', ')} (OTEL_EXPORTER_OTLP_HEADERS, or the option headers)`
}
