import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/**
 * Not part of `npm test`, because these tests need programs that npm does not install. Run them with `npm run
 * test:filter`.
 */
export default mergeConfig(
  shared,
  defineConfig({
    test: { root: import.meta.dirname, include: ['**/*.test.ts'], outputFile: { json: '.reports/test.json' } },
  }),
);
