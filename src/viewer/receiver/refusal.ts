import { OtlpError } from '../../query/otlp/otlp-error.ts'

/** The HTTP answers other than 200 that a receiver gives. */
export type RefusalStatus = 400 | 404 | 405 | 413 | 415 | 500 | 503

/** `google.rpc.Code` of each answer, for clients that look into the body. */
const rpcCodes: Readonly<Record<RefusalStatus, number>> = {
  400: 3, // INVALID_ARGUMENT
  404: 5, // NOT_FOUND
  405: 12, // UNIMPLEMENTED
  413: 8, // RESOURCE_EXHAUSTED
  415: 3, // INVALID_ARGUMENT
  500: 13, // INTERNAL
  503: 14, // UNAVAILABLE: the only one that exporters try again
}

/** Why a request is refused. Thrown from wherever it is found out, and turned into one answer. */
export class Refusal extends Error {
  readonly httpStatus: RefusalStatus

  /** @param message for the developer who reads the exporter's log */
  constructor(httpStatus: RefusalStatus, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refusal'
    this.httpStatus = httpStatus
  }

  /** `google.rpc.Status.code` */
  get rpcCode(): number {
    return rpcCodes[this.httpStatus]
  }
}

/** What a body that could not be read is answered with; errors of other kinds as they are. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof OtlpError)) return error
  return new Refusal(error.reason === 'malformed' ? 400 : 413, error.message, { cause: error })
}
