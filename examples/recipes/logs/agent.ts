// Logs from everywhere in a run, and outside of it. Neither logger is told anything about runs.
import { pino } from 'pino'
import { extractRun, joinRun, propagationHeaders, withSpan, wrapAgent } from 'runspan'
import winston from 'winston'

import { askModel } from '../model.ts'

const byPino = pino({ base: { logger: 'pino' } })
const byWinston = winston.createLogger({
  defaultMeta: { logger: 'winston' },
  transports: [new winston.transports.Console()],
})

function log(msg: string): void {
  byPino.info(msg)
  byWinston.info(msg)
}

log('before the run')
const { result: headers } = await wrapAgent('planner', async () => {
  log('in the run')
  await withSpan('plan', async () => {
    await askModel('What is to be done?')
    log('in a span of the run')
  })
  return propagationHeaders()
})
// As a service does that was sent the headers.
await joinRun(extractRun(headers), async () => log('in a joined part'), { name: 'load rows' })
log('after the run')
