import { availableParallelism } from 'node:os'

import { defineConfig } from 'vitest/config'

/** What starts processes and little else: a suite of its own, so that `npm test` stays short. The demo is in that. */
const processes = [
  'test/services/!(demo).test.ts',
  'test/cli/main.test.ts',
  'test/export/{environment,process-exit,register}.test.ts',
  'test/export/delivery/process-end.test.ts',
  'test/propagation/carry-runs.test.ts',
  'test/propagation/middleware/express.test.ts',
  'test/sampling/read-back.test.ts',
]

/** Vitest leaves a processor free, which is half of two; these suites wait for other processes half of their time. */
const maxWorkers = Math.max(2, availableParallelism())

/** Suites that measure the heap, install packages or start brokers and backends: one file at a time. */
const alone = { maxWorkers: 1 }

export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['src/**'] },
    projects: [
      {
        test: {
          name: 'unit',
          maxWorkers,
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/e2e/**',
            'test/lanes/**',
            'test/recipes/**',
            ...processes,
            // Packs and installs the package, as the lanes do.
            'test/package/package.test.ts',
            'test/**/*.memory.test.ts',
          ],
          // Bounds for what hangs, not for what is slow: a machine may be busy with other work.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'] },
        },
      },
      { test: { name: 'processes', maxWorkers, include: processes, testTimeout: 120_000, hookTimeout: 120_000 } },
      {
        test: {
          name: 'memory',
          ...alone,
          include: ['test/**/*.memory.test.ts'],
          pool: 'forks',
          execArgv: ['--expose-gc'],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'lanes',
          ...alone,
          include: ['test/lanes/**/*.test.ts', 'test/package/package.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'recipes',
          ...alone,
          include: ['test/recipes/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      { test: { name: 'e2e', ...alone, include: ['test/e2e/**/*.test.ts'], testTimeout: 180_000 } },
    ],
  },
})
