import { readdirSync, readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

const deploy = new URL('../../deploy/grafana/', import.meta.url)
const text = (file: string): string => readFileSync(new URL(file, deploy), 'utf8')
const files = readdirSync(new URL('dashboards/', deploy))

/** What these dashboards use of Grafana's model, version 41. A key that is none of it would be dropped without a word. */
const datasource = z.strictObject({ type: z.enum(['prometheus', 'tempo', 'jaeger']), uid: z.string() })
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().optional(),
  legendFormat: z.string().optional(),
  instant: z.boolean().optional(),
  range: z.boolean().optional(),
  format: z.string().optional(),
  queryType: z.enum(['traceql']).optional(),
  query: z.string().optional(),
  limit: z.int().positive().optional(),
  tableType: z.enum(['traces', 'spans']).optional(),
})
const panel = z.strictObject({
  id: z.int().positive(),
  title: z.string().min(1),
  description: z.string().optional(),
  type: z.enum(['timeseries', 'stat', 'table']),
  gridPos: z.strictObject({
    x: z.int().min(0),
    y: z.int().min(0),
    w: z.int().min(1).max(24),
    h: z.int().min(1),
  }),
  datasource,
  targets: z.array(target).min(1),
  fieldConfig: z.strictObject({ defaults: z.record(z.string(), z.unknown()), overrides: z.array(z.unknown()) }),
  options: z.record(z.string(), z.unknown()).optional(),
})
const dashboard = z.strictObject({
  uid: z.string().regex(/^[a-z0-9-]{1,40}$/),
  title: z.string().min(1),
  description: z.string(),
  tags: z.array(z.string()),
  timezone: z.string(),
  schemaVersion: z.literal(41),
  version: z.int(),
  editable: z.boolean(),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  refresh: z.string(),
  templating: z.strictObject({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  panels: z.array(panel).min(1),
  annotations: z.strictObject({ list: z.array(z.unknown()) }),
  links: z.array(z.unknown()),
})

describe.each(files)('the dashboard %s', (file) => {
  const read = (): z.infer<typeof dashboard> => dashboard.parse(JSON.parse(text(`dashboards/${file}`)))

  it('is what Grafana reads', () => {
    const { panels } = read()
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { targets, datasource: of } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
      for (const one of targets) {
        expect(one.datasource).toEqual(of)
        expect(of.type === 'prometheus' ? one.expr : one.query).toBeTruthy()
      }
    }
  })

  it('lays its panels side by side, inside of 24 columns', () => {
    const taken = new Map<string, string>()
    for (const { title, gridPos } of read().panels) {
      const { x, y, w, h } = gridPos
      expect(x + w, title).toBeLessThanOrEqual(24)
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          expect(taken.get(`${column} ${row}`), title).toBeUndefined()
          taken.set(`${column} ${row}`, title)
        }
      }
    }
  })

  it('asks for variables that it has, and has none that it does not ask for', () => {
    const { templating, panels } = read()
    const asked = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr = '', query = '' }) =>
        [...`${expr} ${query}`.matchAll(/\$(\w+)/g)].map(([, name]) => name),
      ),
    )
    const own = new Set(asked.filter((name) => !name!.startsWith('__')))
    expect(own).toEqual(new Set(templating.list.map(({ name }) => name)))
  })
})

describe('what Grafana is provisioned with', () => {
  const sources = z
    .strictObject({
      apiVersion: z.literal(1),
      datasources: z.array(
        z.strictObject({
          name: z.string(),
          uid: z.string(),
          type: z.string(),
          access: z.literal('proxy'),
          url: z.url(),
          isDefault: z.boolean().optional(),
          jsonData: z.record(z.string(), z.unknown()).optional(),
        }),
      ),
    })
    .parse(parse(text('provisioning/datasources/traces.yaml')))

  it('is every data source that a dashboard names, by type and id', () => {
    const provisioned = sources.datasources.map(({ type, uid }) => ({ type, uid }))
    for (const file of files) {
      for (const { datasource: of } of dashboard.parse(JSON.parse(text(`dashboards/${file}`))).panels) {
        expect(provisioned).toContainEqual(of)
      }
    }
    expect(sources.datasources.filter(({ isDefault }) => isDefault === true)).toHaveLength(1)
  })

  it('is the folder that docker-compose.yml mounts the dashboards to', () => {
    const provider = z.strictObject({
      name: z.string(),
      folder: z.string(),
      type: z.literal('file'),
      options: z.strictObject({ path: z.string() }),
    })
    const { providers } = z
      .strictObject({ apiVersion: z.literal(1), providers: z.array(provider).length(1) })
      .parse(parse(text('provisioning/dashboards/runspan.yaml')))
    const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8')
    expect(compose).toContain(`./deploy/grafana/dashboards:${providers[0]!.options.path}:ro`)
  })
})
