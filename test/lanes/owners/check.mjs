// Sets a product up, with a provider of its own or beside one of the application's, and prints what doctor finds.
const [name, owner] = process.argv.slice(2)
const isOwned = owner === 'product'

const product = await import(name)
if (name === '@sentry/node') {
  const { init, SDK_VERSION } = product
  const isNew = Number.parseInt(SDK_VERSION, 10) >= 11
  init({
    dsn: 'http://key@127.0.0.1:1/1',
    tracesSampleRate: 1,
    ...(isNew ? { enableOpenTelemetrySetup: isOwned } : { skipOpenTelemetrySetup: !isOwned }),
  })
} else {
  const tracer = product.default
  tracer.init({ startupLogs: false, telemetry: { enabled: false }, remoteConfig: { enabled: false } })
  if (isOwned) new tracer.TracerProvider().register()
}
if (!isOwned) {
  const { registerRunspan } = await import('runspan/node')
  registerRunspan({ serviceName: 'planner' })
}
const { doctor } = await import('runspan')
process.stdout.write(JSON.stringify(await doctor()), () => process.exit())
