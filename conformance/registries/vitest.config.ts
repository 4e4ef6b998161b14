import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/** Not part of `npm test`: these tests start programs that npm does not bring. `npm run test:real` gets and names them. */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      root: import.meta.dirname,
      globalSetup: ['launch/global-setup.ts'],
      include: ['**/*.test.ts'],
      // The registries are shared, and the machine may be small.
      fileParallelism: false,
      testTimeout: 120_000,
      hookTimeout: 60_000,
      outputFile: { json: '.reports/test.json' },
    },
  }),
);
