import { expect, it } from 'vitest'

import { spawnProcess } from '../support/spawn-process.ts'

interface Priced {
  readonly prices: readonly (number | null)[]
  readonly attempts: readonly string[]
  readonly tableName: string
}

it('prices calls in a process without a network, and does not even try to reach one', async () => {
  await using pricer = spawnProcess('offline-pricer', {})
  const { prices, attempts, tableName } = await pricer.message<Priced>()
  expect(prices).toEqual([1_250_000, 5_000_000, 1_250_000, null])
  expect(attempts).toEqual([])
  expect(tableName).toMatch(/^genai-prices /)
})

it('would be seen trying', async () => {
  await using pricer = spawnProcess('offline-pricer', { control: true })
  await expect(pricer.message<Priced>()).rejects.toThrow('there is no network')
})
