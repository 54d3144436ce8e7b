#!/usr/bin/env node
import { setTimeout as delay } from 'node:timers/promises'

import { runCli } from './run-cli.ts'

const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
// Whoever reads has had enough: `runspan list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stopped.signal,
  nowUnixMillis: Date.now,
  delay: (millis) => delay(millis, undefined, { signal: stopped.signal }).catch(() => undefined),
})
