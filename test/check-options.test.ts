import { describe, expect, it } from 'vitest'

import { checkOptions, type OptionNames } from '../src/check-options.ts'
import { RunspanError } from '../src/index.ts'

interface ToasterOptions {
  readonly slices?: number | undefined
  readonly browningPercent?: number | undefined
}

const names: OptionNames<ToasterOptions> = { slices: true, browningPercent: true }

function messageOf(options: unknown): string {
  try {
    checkOptions('toaster', options as ToasterOptions, names)
    return 'fits'
  } catch (error) {
    expect(RunspanError.is(error) && error.code).toBe('bad_configuration')
    return (error as Error).message
  }
}

describe('checkOptions', () => {
  it.each([
    ['none', {}],
    ['those that are known', { slices: 2, browningPercent: undefined }],
    ['an unknown one that is undefined', { slice: undefined }],
    ['names that only the prototype has', Object.create({ slice: 2 })],
    ['an object without a prototype', Object.assign(Object.create(null), { slices: 2 })],
  ])('lets %s pass', (_title, options) => {
    expect(messageOf(options)).toBe('fits')
  })

  it.each([
    [{ slice: 2 }, 'it has no option slice. Did you mean slices? Known are slices, browningPercent.'],
    [{ browning: 7 }, 'it has no option browning. Did you mean browningPercent? Known are slices, browningPercent.'],
    [{ BrowningPercent: 7 }, 'it has no option BrowningPercent. Did you mean browningPercent? Known are'],
    [{ colour: 'gold' }, 'it has no option colour. Known are slices, browningPercent.'],
    [{ slices: 2, colour: null }, 'it has no option colour.'],
    [{ toString: 1 }, 'it has no option toString.'],
    [JSON.parse('{ "__proto__": 1 }'), 'it has no option __proto__.'],
    [null, 'null cannot be used. Pass an object of options.'],
    ['slices', 'slices cannot be used. Pass an object of options.'],
    [[2], '[object Array] cannot be used. Pass an object of options.'],
  ])('refuses %j', (options, message) => {
    expect(messageOf(options)).toContain(`Failed to configure toaster: ${message}`)
  })

  it('repeats no value, which may be a secret', () => {
    expect(messageOf({ apiKey: 'sk-secret' })).not.toContain('sk-secret')
  })
})
