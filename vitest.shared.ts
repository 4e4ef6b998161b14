import { defineConfig } from 'vitest/config';

/** Workspace packages are taken from their sources, by every importer: test files, what they import, and workers. */
const conditions = ['@soci/source', 'node', 'import', 'default'];

/** What every package's tests share. `.reports/test.json` is what `npm test` counts. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['src/**/*.test.ts'],
    execArgv: ['--conditions=@soci/source'],
    testTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: '.reports/test.json' },
  },
});
