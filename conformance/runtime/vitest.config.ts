import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/**
 * Not part of `npm test`, because these tests need root, FUSE and programs that npm does not install. Run them with `npm run
 * test:runtime`.
 */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      root: import.meta.dirname,
      globalSetup: ['global-setup.ts'],
      include: ['**/*.test.ts'],
      // The tests measure what is fetched, and the machine may be small.
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 120_000,
      outputFile: { json: '.reports/test.json' },
    },
  }),
);
