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

/** A body that is no trace request. */
export function malformed(what: string, cause?: unknown): Refusal {
  return new Refusal(400, `The body is no OTLP trace request: ${what}.`, { cause })
}
