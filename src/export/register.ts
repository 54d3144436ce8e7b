/**
 * `node --import runspan/register app.js`: {@link registerRunspan} with what the environment says, before the first line
 * of the application. In: OTEL_* variables. Out: a registered provider, or one line of warning and an application that
 * runs without. Loaded by Node, never imported by code.
 *
 * @module
 */
import { registerRunspan } from './register-runspan.ts'

try {
  registerRunspan()
} catch (error) {
  process.emitWarning(error instanceof Error ? error.message : String(error), {
    type: 'RunspanWarning',
    detail: 'The application goes on without Runspan.',
  })
}
