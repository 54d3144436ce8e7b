import { shared } from './shared.ts'

/** Has no run count the spans that `write` starts: spans of ours about a run, and probes. */
export function uncounted<T>(write: () => T): T {
  const state = shared()
  state.amending = true
  try {
    return write()
  } finally {
    state.amending = false
  }
}
