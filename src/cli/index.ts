/**
 * The face in the terminal. In: runs and families of runs, as `runspan/query` reads them. Out: text. Called by the
 * command line, by demos, and by whoever prints runs.
 *
 * @module
 */
export { renderFamily, type RenderFamilyOptions } from './render-family.ts'
export { renderRun, type RenderRunOptions } from './render-run.ts'
