/**
 * Readers of runs, one per kind of store. In: an address, a path, or spans. Out: a `RunReader`, which answers alike
 * whatever is behind it. Called by the command line, and by whoever reads runs from code.
 *
 * @module
 */
export type { BackendOptions } from './http/backend-options.ts'
export { createJaegerReader, type JaegerReaderOptions } from './jaeger/jaeger-reader.ts'
export { createMemoryReader, type MemoryReader } from './memory.ts'
export type { MemorySourceOptions } from './memory-source.ts'
export { openReader } from './open-reader.ts'
export { openOtlpFileReader, type OtlpFileReader } from './otlp-file/otlp-file-reader.ts'
export { openSqliteReader } from './sqlite/sqlite-reader.ts'
export { openSpanStore, type SpanStore, type SpanStoreOptions, type TenantOptions } from './sqlite/span-store.ts'
export { createServeReader } from './serve/serve-reader.ts'
export { createTempoReader, type TempoReaderOptions } from './tempo/tempo-reader.ts'
