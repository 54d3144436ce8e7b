import { readdirSync, readFileSync } from 'node:fs'

import { parser } from '@grafana/lezer-traceql'
import { describe, expect, it } from 'vitest'

import { spanset, traceQlOf } from '../../../src/query/readers/tempo/trace-ql.ts'

/** What is no TraceQL in a query, as Grafana's own grammar reads it. */
function errorsIn(query: string): readonly string[] {
  const errors: string[] = []
  parser.parse(query).iterate({
    enter({ type, from, to }) {
      if (type.isError) errors.push(query.slice(from, to))
    },
  })
  return errors
}

const dashboards = new URL('../../../deploy/grafana/dashboards/', import.meta.url)
const panels = readdirSync(dashboards).flatMap((file) => {
  const dashboard = JSON.parse(readFileSync(new URL(file, dashboards), 'utf8')) as Dashboard
  return dashboard.panels.flatMap(({ title, targets }) =>
    targets.flatMap(({ query }) => (query === undefined ? [] : [[`${file}: ${title}`, query] as const])),
  )
})

describe('TraceQL', () => {
  it.each(panels)('is what %s asks', (_, query) => {
    expect(errorsIn(query)).toEqual([])
  })

  it('is what readers ask, whatever they are asked', () => {
    // No line break: Tempo reads `\\n` as Go does, and this grammar knows the escapes of quotes and backslashes alone.
    const odd = 'say "hi" \\ ok'
    expect(errorsIn(spanset({ 'span.runspan.child_run.id': odd }))).toEqual([])
    expect(
      errorsIn(traceQlOf({ agent: odd, userId: odd, service: odd, status: 'failed', conversationId: odd })),
    ).toEqual([])
    expect(errorsIn(traceQlOf({}))).toEqual([])
  })

  it('asks for start markers too, unless it is for runs that have ended', () => {
    expect(traceQlOf({ agent: 'import' })).toBe(
      '{ (span.gen_ai.operation.name = "invoke_agent" || span.runspan.run.open = true) && span.gen_ai.agent.name = "import" } with (most_recent=true)',
    )
    expect(traceQlOf({ status: 'open' })).toContain('span.runspan.run.open = true')
    expect(traceQlOf({ status: 'failed' })).not.toContain('open')
  })

  it('is not what is misspelt: the control', () => {
    expect(errorsIn('{ nonsense = = }')).not.toEqual([])
    expect(panels.length).toBeGreaterThan(4)
  })
})

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly query?: string }[] }[]
}
