/**
 * A planner has a service in another language do a part of its run. What it sends is W3C's, so that any OpenTelemetry
 * there writes its spans into the run.
 *
 * @module
 */
import { propagationHeaders, tool, wrapAgent } from 'runspan'

const summarise = tool('summarise', async (text: string): Promise<string> => {
  const response = await fetch(`${process.env['SUMMARIES_URL']}/summaries`, {
    method: 'POST',
    headers: { ...propagationHeaders(), 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  })
  if (!response.ok) throw new Error(`The service answered ${response.status}.`)
  return (await response.json()) as string
})

const { runId } = await wrapAgent('planner', () => summarise('Tides come and go.'))
console.log(runId)
