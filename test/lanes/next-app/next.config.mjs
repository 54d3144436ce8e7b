// Runspan and OpenTelemetry stay packages: bundled, each entry of the application would have copies of its own.
// oxlint-disable-next-line import/no-default-export -- Next.js asks for one
export default { serverExternalPackages: ['runspan', '@opentelemetry/api', '@opentelemetry/sdk-trace-node'] }
