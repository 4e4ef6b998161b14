import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/**
 * Not part of `npm test`, because these tests need programs that npm does not install. Run them with `npm run
 * test:integrations`.
 */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      root: import.meta.dirname,
      globalSetup: ['global-setup.ts'],
      include: ['**/*.test.ts'],
      testTimeout: 180_000,
      hookTimeout: 180_000,
      outputFile: { json: '.reports/test.json' },
    },
  }),
);
