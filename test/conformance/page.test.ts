import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const page = readFileSync(fromRoot('docs/conformance.md'), 'utf8')
const sections = page.split(/^## /m).slice(1)

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>
}

describe('docs/conformance.md, which the suite makes', () => {
  it('has a section for every producer there is', () => {
    const folder = fromRoot('conformance/producers')
    const producers = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/producer.ts`))
    expect(sections).toHaveLength(producers.length)
  })

  it('names the versions that the lock file pins', () => {
    const { packages } = JSON.parse(readFileSync(fromRoot('conformance/package-lock.json'), 'utf8')) as Lock
    const pinned = new Set(
      Object.entries(packages).map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`),
    )
    const named = sections.flatMap((section) => section.split('\n')[2]!.match(/(?<=`)[^`]+@\d[^`]*(?=`)/g) ?? [])
    expect(named.length).toBeGreaterThan(sections.length)
    expect(named.filter((name) => !pinned.has(name))).toEqual([])
  })

  it('shows what was billed in every row that has no note', () => {
    const rows = page.split('\n').filter((line) => /^\| .*\$\d/.test(line))
    expect(rows.length).toBeGreaterThan(300)
    const wrong = rows.filter((row) => {
      const [title = '', billed, runspan] = row.slice(2, -2).split(' | ')
      return !title.includes('<sup>') && billed !== runspan?.replace(/ \+ \d failed/, '')
    })
    expect(wrong).toEqual([])
  })
})
