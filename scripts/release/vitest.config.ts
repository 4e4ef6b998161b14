import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../../node_modules/.vite',
  test: {
    root: import.meta.dirname,
    include: ['*.e2e.ts'],
    // Only against tests that hang: a release takes minutes, and many times as long on a busy machine.
    testTimeout: 1_200_000,
    hookTimeout: 300_000,
    // The tests are the steps of one release.
    bail: 1,
  },
});
