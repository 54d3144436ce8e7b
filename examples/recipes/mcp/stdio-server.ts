/**
 * The library, for a client that starts it.
 *
 * @module
 */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'

import { createLibrary } from './library.ts'

await createLibrary().connect(new StdioServerTransport())
