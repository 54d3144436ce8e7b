import { open, stat } from 'node:fs/promises'

import { checkOptions } from '../../check-options.ts'
import { RunspanError } from '../../errors.ts'
import { runJsonVersion } from '../run-json.ts'
import type { RunReader } from '../run-reader.ts'
import { BackendClient } from './http/backend-client.ts'
import { backendOptionNames, type BackendOptions } from './http/backend-options.ts'
import { createJaegerReader } from './jaeger/jaeger-reader.ts'
import { openOtlpFileReader } from './otlp-file/otlp-file-reader.ts'
import { createServeReader } from './serve/serve-reader.ts'
import { openSqliteReader } from './sqlite/sqlite-reader.ts'
import { createTempoReader } from './tempo/tempo-reader.ts'

/** A kind of store that a reader can be opened for by its address. */
export type StoreKind = 'runspan' | 'jaeger' | 'tempo' | 'sqlite' | 'otlp-file'

/** Names a kind in front of an address: `tempo+http://…`. */
const prefixed = /^(runspan|jaeger|tempo)\+(https?:\/\/.*)$/

/**
 * Opens a reader by an address or a path, and finds out what is there: a `runspan serve`, Jaeger or Tempo behind a URL;
 * a span store or a file of OTLP JSON behind a path. A kind in front says it instead of asking: `tempo+http://…`.
 *
 * @throws {@link RunspanError} `bad_configuration` where nothing there is known, or there is no such option;
 *   `store_unavailable` where nobody answers; `unsupported_node` where it is a file and this version of Node has no SQLite
 *
 * @example
 * ```ts
 * import { openReader } from 'runspan/readers'
 *
 * await using reader = await openReader('http://localhost:16686')
 * console.log(reader.name, (await reader.listRuns({ status: 'failed' })).items.length)
 * ```
 */
export async function openReader(address: string, options: BackendOptions = {}): Promise<RunReader> {
  checkOptions('openReader', options, backendOptionNames)
  const [, named, plain = address] = prefixed.exec(address) ?? []
  const kind = named ?? (/^https?:\/\//.test(address) ? await kindOfUrl(address, options) : await kindOfFile(address))
  switch (kind as StoreKind) {
    case 'runspan':
      return createServeReader(plain, options)
    case 'jaeger':
      return createJaegerReader(plain, options)
    case 'tempo':
      return createTempoReader(plain, options)
    case 'sqlite':
      return openSqliteReader(plain, { tenant: options.tenant })
    case 'otlp-file':
      return openOtlpFileReader(plain)
    default:
      return kind as never
  }
}

/** What each kind, and no other, answers, and how its answer begins. */
const signs: readonly (readonly [kind: StoreKind, path: string, sign: RegExp])[] = [
  ['runspan', `api/v${runJsonVersion}`, /^\{"runspan":/],
  ['jaeger', 'api/v3/services', /^\{"services":/],
  ['tempo', 'api/echo', /^echo\b/],
]

async function kindOfUrl(url: string, options: BackendOptions): Promise<StoreKind> {
  const client = new BackendClient('a store', url, options)
  for (const [kind, path, sign] of signs) {
    const { status, bytes } = await client.get(path, {}, [400, 401, 403, 404, 405, 500, 501])
    if (status === 200 && sign.test(new TextDecoder().decode(bytes.subarray(0, 100)))) return kind
  }
  throw new RunspanError(
    'bad_configuration',
    `Failed to read from ${client.url}: it is neither Jaeger, Tempo nor a Runspan server. ` +
      `Use the address of the query API, or name the kind: jaeger+http://… or tempo+http://….`,
  )
}

async function kindOfFile(path: string): Promise<StoreKind> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('it is no file')
    await using file = await open(path, 'r')
    const { buffer } = await file.read(Buffer.alloc(16), 0, 16, 0)
    return buffer.toString('latin1').startsWith('SQLite format 3') ? 'sqlite' : 'otlp-file'
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new RunspanError('bad_configuration', `Failed to read from ${path}: ${why}.`, { cause: error })
  }
}
