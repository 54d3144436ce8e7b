import { describe, expect, it } from 'vitest'

import { spawnProcess } from '../support/spawn-process.ts'
import { recordRequests } from './otlp-requests.ts'

const register = new URL('../../src/export/register.ts', import.meta.url).href
const foreign = new URL('../fixtures/foreign-provider.ts', import.meta.url).href

describe('node --import runspan/register', () => {
  it('records an application that has no line of set-up', async () => {
    await using sink = await recordRequests()
    await using app = spawnProcess('unprepared-app', null, {
      NODE_OPTIONS: `--import ${register}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_SERVICE_NAME: 'unprepared',
    })
    expect(await app.message()).toEqual({ isCurrent: true })
    expect(await app.ended).toMatchObject({ code: 0, stderr: '' })
    expect(sink.spanNames.toSorted()).toEqual(['early', 'invoke_agent planner'])
    expect(sink.all[0]?.resource).toMatchObject({ 'service.name': 'unprepared' })
  })

  it('prints one line where it cannot, and the application runs', async () => {
    await using app = spawnProcess('unprepared-app', null, {
      NODE_OPTIONS: `--import ${foreign} --import ${register}`,
      NODE_NO_WARNINGS: '0',
    })
    expect(await app.message()).toEqual({ isCurrent: true })
    const { code, stderr } = await app.ended
    expect(code).toBe(0)
    expect(stderr).toContain('RunspanWarning: Failed to register Runspan: a tracer provider is registered already.')
    expect(stderr).toContain('The application goes on without Runspan.')
    expect(stderr).not.toContain('    at ')
  })
})
