import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/** Not part of `npm test`: these tests start programs that npm does not bring so. `npm run test:lambda` gets and names them. */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      root: import.meta.dirname,
      globalSetup: ['global-setup.ts'],
      include: ['**/*.test.ts'],
      // Memory and starts are measured, and the machine may be small.
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 120_000,
      outputFile: { json: '.reports/test.json' },
    },
  }),
);
