import { defineConfig } from 'vitest/config';

/** What every package's tests share. */
export default defineConfig({
  // Use the sources of workspace packages. Vitest passes the conditions to its processes and their workers.
  ssr: { resolve: { conditions: ['@soci/source', 'node'] } },
  test: {
    include: ['src/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // `npm test` counts these reports.
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/test.json' },
  },
});
