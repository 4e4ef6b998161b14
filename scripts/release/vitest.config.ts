import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../../node_modules/.vite',
  test: {
    root: import.meta.dirname,
    include: ['*.e2e.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // The tests are the steps of one release.
    bail: 1,
  },
});
