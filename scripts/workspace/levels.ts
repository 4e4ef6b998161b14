/** What the shipped code of a package may import. */
export interface Allowance {
  readonly packages: readonly string[];
  readonly modules: readonly string[];
  /** Packages of the workspace that only its tests may import. @default none */
  readonly tests?: readonly string[];
  /** Whether its published files hold all that it imports: then that is among its devDependencies. @default false */
  readonly isBundled?: boolean;
}

/** What the demonstration and the conformance tests may use, lowest first. */
const LIBRARIES: Readonly<Record<string, Allowance>> = {
  // Tests of every package may use it, those of the lowest ones too.
  '@soci/test-content': { packages: [], modules: ['node', 'vitest'] },
  '@soci/ztoc': { packages: [], modules: ['@noble/hashes', 'node'], tests: ['@soci/test-content'] },
  '@soci/oci': { packages: [], modules: ['node'], tests: ['@soci/test-content'] },
  '@soci/test-aws': { packages: [], modules: ['node'], tests: ['@soci/test-content'] },
  '@soci/filter': { packages: [], modules: ['valibot'], tests: ['@soci/test-aws'] },
  '@soci/test-registry': { packages: ['@soci/oci'], modules: ['node'], tests: ['@soci/test-content'] },
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
    modules: ['@aws-sdk/client-ecr', '@aws-sdk/client-ecr-public', '@smithy/util-stream', 'node'],
    tests: ['@soci/test-content', '@soci/test-registry'],
  },
  '@soci/cli': {
    packages: ['@soci/ecr', '@soci/index', '@soci/oci', '@soci/registry', '@soci/ztoc'],
    modules: ['node'],
    tests: ['@soci/test-content', '@soci/test-registry'],
    isBundled: true,
  },
  '@soci/functions': {
    packages: ['@soci/ecr', '@soci/filter', '@soci/index', '@soci/oci', '@soci/registry'],
    modules: [
      '@aws-lambda-powertools/logger',
      '@aws-lambda-powertools/metrics',
      '@aws-sdk/client-eventbridge',
      '@aws-sdk/client-lambda',
      'esbuild',
      'fflate',
      'node',
    ],
    tests: ['@soci/test-aws', '@soci/test-content', '@soci/test-registry'],
  },
};

/**
 * The packages, lowest first, each with what it may depend on. Imports point down only; `packages` names the
 * workspace's own, `modules` everything else, where `node` stands for all of Node. A package that is not listed fails
 * the check: its place is decided here first.
 */
export const LEVELS: Readonly<Record<string, Allowance>> = {
  ...LIBRARIES,
  // It ships the functions' zips, and imports types only.
  '@soci/construct': {
    packages: ['@soci/filter', '@soci/functions'],
    modules: ['aws-cdk-lib', 'constructs', 'node'],
    tests: ['@soci/test-content'],
  },
  '@soci/stack': {
    packages: ['@soci/construct', '@soci/functions'],
    modules: ['@aws-sdk/client-s3', 'aws-cdk-lib', 'constructs', 'node'],
    tests: ['@soci/test-content'],
  },
  '@soci/demo': { packages: Object.keys(LIBRARIES), modules: ['node'] },
  '@soci/conformance': {
    packages: [...Object.keys(LIBRARIES), '@soci/construct', '@soci/stack'],
    modules: ['node'],
  },
  '@soci/bench': {
    packages: ['@soci/cli', '@soci/test-content', '@soci/test-registry', '@soci/ztoc'],
    modules: ['fflate', 'pako', 'node'],
  },
};
