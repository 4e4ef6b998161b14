import { defineConfig, mergeConfig, type ViteUserConfig } from 'vitest/config';
import shared from '../vitest.shared.ts';

/** What the configuration of a suite adds. */
export interface SuiteOptions {
  /** Path of the global setup in the folder of the suite. @default none */
  readonly globalSetup?: string;
  /**
   * Runs one file after another, for suites that measure memory or start times, or share servers.
   *
   * @default false
   */
  readonly oneFileAtATime?: boolean;
}

/**
 * Returns the vitest configuration of a suite that is not part of `npm test`, because it needs programs that npm does not
 * install. `conformance/tools/test-*.mjs` installs them and runs the suite.
 *
 * @param folder - Folder of the suite.
 */
export function suiteConfig(folder: string, options: SuiteOptions = {}): ViteUserConfig {
  const { globalSetup, oneFileAtATime = false } = options;
  return mergeConfig(
    shared,
    defineConfig({
      test: {
        root: folder,
        ...(globalSetup !== undefined && { globalSetup: [globalSetup] }),
        include: ['**/*.test.ts'],
        fileParallelism: !oneFileAtATime,
        // The tests mostly wait for programs. By default, vitest leaves one processor without a worker, which may be half of them.
        ...(!oneFileAtATime && { maxWorkers: '100%' }),
      },
    }),
  );
}
