import { checkOptions } from '../../../check-options.ts'
import type { RunReader } from '../../run-reader.ts'
import { openSpanStore, type TenantOptions } from './span-store.ts'

/**
 * Opens a span store that is there, for reading alone: another process may be writing it. Needs Node 22.13 or later.
 *
 * @throws {@link RunspanError} `unsupported_node`; `bad_configuration` where there is no such store
 */
export async function openSqliteReader(path: string, options: TenantOptions = {}): Promise<RunReader> {
  checkOptions('openSqliteReader', options, { tenant: true })
  const store = await openSpanStore(path, { create: false })
  const close = (): Promise<void> => store.close()
  return Object.assign(store.reader(options), { close, [Symbol.asyncDispose]: close })
}
