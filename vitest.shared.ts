import { defineConfig } from 'vitest/config';

/** What every package's tests share. */
export default defineConfig({
  // Workspace packages are taken from their sources. Vitest hands these conditions on to its processes, and so to workers.
  ssr: { resolve: { conditions: ['@soci/source', 'node'] } },
  test: {
    include: ['src/**/*.test.ts'],
    testTimeout: 60_000,
    // What `npm test` counts.
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/test.json' },
  },
});
