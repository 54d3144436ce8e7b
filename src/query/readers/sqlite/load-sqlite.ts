import type * as sqlite from 'node:sqlite'

import { RunspanError } from '../../../errors.ts'

/**
 * Node's own SQLite, loaded when it is used: most of the package works on versions of Node that have none.
 *
 * @throws {@link RunspanError} `unsupported_node` where this version of Node has no SQLite
 */
export async function loadSqlite(): Promise<typeof sqlite> {
  try {
    return await import('node:sqlite')
  } catch (error) {
    throw new RunspanError(
      'unsupported_node',
      `Failed to open a span store: Node ${process.version} has no node:sqlite. Use Node 22.13 or later.`,
      { cause: error },
    )
  }
}

/** A connection to a database. */
export type Database = sqlite.DatabaseSync
