import { propagationHeaders, type InjectOptions } from './propagation-headers.ts'

/** A message attribute, as SQS and SNS have them. */
export interface MessageAttribute {
  DataType: 'String'
  StringValue: string
}

/**
 * The current run as message attributes of SQS and SNS, which are no plain strings: `{}` outside a run, so that
 * spreading it is always safe. SQS takes ten attributes per message; these are two. `extractRun` reads them back.
 *
 * @param options as those of `propagationHeaders`; `trustKey` and `baggage` are one attribute more each
 *
 * @example
 * ```ts
 * import { propagationAttributes } from 'runspan'
 *
 * const command = { QueueUrl: 'https://…', MessageBody: 'rows', MessageAttributes: { ...propagationAttributes() } }
 * console.log(command)
 * ```
 */
export function propagationAttributes(options?: InjectOptions): Record<string, MessageAttribute> {
  const attributes: Record<string, MessageAttribute> = {}
  for (const [name, value] of Object.entries(propagationHeaders(options))) {
    attributes[name] = { DataType: 'String', StringValue: value }
  }
  return attributes
}
