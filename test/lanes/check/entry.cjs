const runspan = require('runspan')
const preset = require('runspan/node')
const api = require('@opentelemetry/api')

const check = require('./check.cjs')

void (async () => {
  const otherApi = await import('@opentelemetry/api')
  console.log(await check({ runspan, preset, api, otherApi, how: 'require' }))
})()
