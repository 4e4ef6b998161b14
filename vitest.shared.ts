import { defineConfig } from 'vitest/config';

/** What every package's tests share: workspace packages are taken from their sources, so that no build is needed. */
export default defineConfig({
  resolve: { conditions: ['@soci/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@soci/source', 'node', 'import', 'default'] } },
  test: {
    include: ['src/**/*.test.ts'],
    execArgv: ['--conditions=@soci/source'],
    testTimeout: 60_000,
  },
});
