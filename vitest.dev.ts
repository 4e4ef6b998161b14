import { defineConfig } from 'vitest/config';

/** The tests of all packages in one run, which `npm run dev` watches. */
export default defineConfig({
  test: { projects: ['packages/*/vitest.config.*ts', 'apps/*/vitest.config.ts', 'scripts/vitest.config.ts'] },
});
