import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api'

import { readText, type Environment } from './environment.ts'
import { isRegistered } from './registered-globals.ts'

const levels: Readonly<Record<string, DiagLogLevel>> = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
}

/** Prints OpenTelemetry's own messages where OTEL_LOG_LEVEL asks for it. A logger that the application set stays. */
export function startDiagLogger(environment: Environment): void {
  const name = readText(environment, 'OTEL_LOG_LEVEL')
  if (name === undefined || isRegistered('diag')) return
  const logLevel = levels[name.toLowerCase()]
  diag.setLogger(new DiagConsoleLogger(), { logLevel: logLevel ?? DiagLogLevel.INFO })
  if (logLevel === undefined) diag.warn(`runspan: OTEL_LOG_LEVEL=${name} is not known; info is used.`)
}
