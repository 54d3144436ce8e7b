import { createRequire } from 'node:module'

import * as api from '@opentelemetry/api'
import * as runspan from 'runspan'
import * as preset from 'runspan/node'

import check from './check.cjs'

const otherApi = createRequire(import.meta.url)('@opentelemetry/api')
console.log(await check({ runspan, preset, api, otherApi, how: 'import' }))
