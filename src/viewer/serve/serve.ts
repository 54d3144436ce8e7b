import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

import { openSpanStore, type SpanStore, type SpanStoreOptions } from '../../query/readers/sqlite/span-store.ts'
import { startReceiver } from '../receiver/start-receiver.ts'
import { answerRead } from './read-api.ts'

/** Options of {@link serve}. */
export interface ServeOptions extends SpanStoreOptions {
  /** The file that spans are kept in; `:memory:` ends with the process. */
  readonly path: string
  /** The address to listen on. Anything but loopback lets others send and read spans. @defaultValue '127.0.0.1' */
  readonly host?: string | undefined
  /** The port to listen on; 0 is any free one. @defaultValue 4318 */
  readonly port?: number | undefined
}

/** A collector, a store and a read API in this process. */
export interface Served extends AsyncDisposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`, and for readers. */
  readonly url: string
  readonly store: SpanStore
  /** Stops listening, waits for what is in flight, and closes the file. The second call returns the first one's promise. */
  close(): Promise<void>
}

/**
 * Takes OTLP over HTTP into a span store, and answers reads of it: what there is before there is a backend. An exporter
 * has its answer when its spans are in the file. Spans and reads with a header `X-Scope-OrgID` belong to that tenant, and
 * to no other. Nothing asks for a password, so it listens on loopback. Needs Node 22.13 or later.
 *
 * @throws {@link RunspanError} `unsupported_node`; `bad_configuration` where an option cannot work or the port is taken
 */
export async function serve(options: ServeOptions): Promise<Served> {
  const { path, host = '127.0.0.1', port = 4318, ...storeOptions } = options
  const store = await openSpanStore(path, storeOptions)
  try {
    const receiver = await startReceiver({
      host,
      port,
      onSpans: (spans, headers) => store.write(spans, { tenant: tenantOf(headers) }),
      onOther(request, response) {
        // Any page may have its own name lead to this machine; a request from there still names that host.
        if (isLocal(host) && !isLocal(hostOf(request))) {
          response.writeHead(403).end()
          return Promise.resolve()
        }
        return answerRead(request, response, (tenant) => store.reader({ tenant }))
      },
    })
    let closed: Promise<void> | undefined
    const stop = async (): Promise<void> => {
      await receiver.close()
      await store.close()
    }
    const close = (): Promise<void> => (closed ??= stop())
    return { url: receiver.url, store, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await store.close()
    throw error
  }
}

function tenantOf(headers: IncomingMessage['headers']): string {
  const tenant = headers['x-scope-orgid']
  return typeof tenant === 'string' ? tenant : ''
}

/** The host that a request was sent to, without its port. */
function hostOf({ headers }: IncomingMessage): string {
  return (headers.host ?? '').replace(/:\d+$/, '')
}

function isLocal(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase()
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}
