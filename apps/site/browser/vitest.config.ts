import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../../vitest.shared.ts';

/** Not part of `npm test`, because these tests need Chromium and the built site. Run them with `npm run test:site`. */
export default mergeConfig(
  shared,
  defineConfig({
    test: {
      root: import.meta.dirname,
      include: ['*.test.ts'],
      testTimeout: 120_000,
      hookTimeout: 60_000,
      outputFile: { json: '.reports/test.json' },
    },
  }),
);
