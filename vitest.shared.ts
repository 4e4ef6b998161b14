import { defineConfig } from 'vitest/config';

/** What every package's tests share. */
export default defineConfig({
  // Use the sources of workspace packages. Vitest passes the conditions to its processes and their workers.
  ssr: { resolve: { conditions: ['@soci/source', 'node'] } },
  test: {
    include: ['src/**/*.test.ts'],
    // Only against tests that hang: on a busy machine a test takes 20 times as long as on an idle one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // `npm test` counts these reports.
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/test.json' },
  },
});
