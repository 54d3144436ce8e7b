/**
 * Imports a file: as a part of a run where one has started it, and as well without.
 *
 * @module
 */
import { extractRun, joinRun } from 'runspan'

import { askModel } from '../model.ts'

const [file = ''] = process.argv.slice(2)
const columns = await joinRun(extractRun(process.env), () => askModel(`Name the columns of ${file}`), {
  name: 'import rows',
})
console.log(columns.text)
