import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { VERSION } from '../../src/internal/version.ts'

it('says the version that package.json says', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(VERSION).toBe((JSON.parse(manifest) as { version: string }).version)
})
