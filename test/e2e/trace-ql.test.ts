import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { findStore, openStore, type OpenStore } from '../../scripts/backends/stores.ts'
import { at, dispatch, idOf, root } from '../query/stored-spans.ts'
import { otlpJson } from '../support/otlp-json.ts'

const tempo = await findStore('tempo')
if (tempo.status === 'missing') console.warn(`skipped: ${tempo.reason}`)

const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../deploy/grafana/dashboards/find-runs.json', import.meta.url)), 'utf8'),
)

interface Panel {
  readonly title: string
  readonly targets: readonly { readonly query: string }[]
}

const [caller, run, child] = [idOf('a1'), idOf('a2'), idOf('a3')]
/** What each panel shows of a run that failed, cost a dollar and took two minutes, of its child, and of who started it. */
const shown: Readonly<Record<string, readonly string[]>> = {
  'The newest': [run, child],
  Failed: [run],
  'More than 0.10 US dollars': [run],
  'Longer than a minute': [run],
  'Descendants of the run': [child],
  'What started the run': [caller],
}

describe.skipIf(tempo.status === 'missing')('the dashboard of single runs', () => {
  let store: OpenStore
  beforeAll(async () => {
    store = await openStore(tempo)
    const from = Date.now() - 180_000 - Number(at(0) / 1_000_000n)
    const body = otlpJson([
      dispatch(caller, run, { agent: 'slow', from, to: from + 120_000 }),
      root(run, {
        from,
        to: from + 120_000,
        runStatus: 'failed',
        totals: { nanoUsd: 1_000_000_000, source: 'priced' },
      }),
      root(child, { from: from + 10, to: from + 20, parent: run }),
    ])
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${store.otlpHttpEndpoint}/v1/traces`, { method: 'POST', headers, body })
    expect(response.status, await response.text()).toBe(200)
  }, 120_000)
  afterAll(() => store?.[Symbol.asyncDispose](), 60_000)

  it.each(dashboard.panels.flatMap(({ title, targets }) => targets.map(({ query }) => [title, query] as const)))(
    'shows in "%s" the runs that it is for',
    async (title, query) => {
      const wanted = shown[title]!.toSorted()
      for (let tries = 0; ; tries++) {
        const found = await search(store.queryUrl, query.replaceAll('$run', run))
        if (JSON.stringify(found) === JSON.stringify(wanted)) return
        if (tries === 150) expect(found).toEqual(wanted)
        await delay(200)
      }
    },
  )
})

async function search(url: string, q: string): Promise<readonly string[]> {
  const now = Math.ceil(Date.now() / 1_000)
  const query = new URLSearchParams({ q, limit: '50', start: String(now - 600), end: String(now + 60) })
  const response = await fetch(`${url}/api/search?${query.toString()}`)
  const text = await response.text()
  expect(response.status, text).toBe(200)
  const { traces = [] } = JSON.parse(text) as { traces?: readonly { readonly traceID: string }[] }
  return traces.map(({ traceID }) => traceID.padStart(32, '0')).toSorted()
}
