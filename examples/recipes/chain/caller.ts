/**
 * A planner that asks the first of three services.
 *
 * @module
 */
import { wrapAgent } from 'runspan'
import { carryRuns } from 'runspan/node'

const next = process.env['NEXT_URL']!
carryRuns({ to: [new URL(next).host] })

const { runId, result } = await wrapAgent('planner', async () => {
  const answer = await fetch(`${next}/plans/tides`)
  return (await answer.json()) as string[]
})
console.log(runId)
console.log(result.length)
