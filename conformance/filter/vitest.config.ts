import { defineConfig, mergeConfig } from 'vitest/config';
import shared from '../../vitest.shared.ts';

/** Not part of `npm test`: these tests ask programs that npm does not bring. `npm run test:filter` finds and names them. */
export default mergeConfig(
  shared,
  defineConfig({
    test: { root: import.meta.dirname, include: ['**/*.test.ts'], outputFile: { json: '.reports/test.json' } },
  }),
);
