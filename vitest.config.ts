import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    coverage: { provider: 'v8', include: ['src/**'] },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [
            'test/e2e/**',
            'test/lanes/**',
            'test/recipes/**',
            // Packs and installs the package, as the lanes do.
            'test/package/package.test.ts',
            'test/**/*.memory.test.ts',
          ],
          testTimeout: 20_000,
          typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'] },
        },
      },
      {
        test: {
          name: 'memory',
          include: ['test/**/*.memory.test.ts'],
          pool: 'forks',
          execArgv: ['--expose-gc'],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'lanes',
          include: ['test/lanes/**/*.test.ts', 'test/package/package.test.ts'],
          testTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'recipes',
          include: ['test/recipes/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], testTimeout: 180_000 } },
    ],
  },
})
