import { defineConfig } from 'vitest/config';

export default defineConfig({
  cacheDir: '../node_modules/.vite',
  test: { root: import.meta.dirname, reporters: ['default', 'json'], outputFile: { json: '.reports/test.json' } },
});
