// Loaded with --import, before the application: loggers are instrumented as they are imported.
import { register } from 'node:module'

import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { PinoInstrumentation } from '@opentelemetry/instrumentation-pino'
import { WinstonInstrumentation } from '@opentelemetry/instrumentation-winston'

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)
registerInstrumentations({ instrumentations: [new PinoInstrumentation(), new WinstonInstrumentation()] })
