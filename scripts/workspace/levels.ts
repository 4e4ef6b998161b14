/** What the shipped code of a package may import. */
export interface Allowance {
  readonly packages: readonly string[];
  readonly modules: readonly string[];
}

/**
 * The packages, lowest first, each with what it may depend on. Imports point down only; `packages` names the
 * workspace's own, `modules` everything else, where `node` stands for all of Node. A package that is not listed fails
 * the check: its place is decided here first.
 */
export const LEVELS: Readonly<Record<string, Allowance>> = {
  '@soci/ztoc': { packages: [], modules: ['flatbuffers', '@noble/hashes', 'node'] },
  '@soci/oci': { packages: [], modules: ['node'] },
  '@soci/index': { packages: ['@soci/oci', '@soci/ztoc'], modules: ['node'] },
  '@soci/cli': { packages: ['@soci/index', '@soci/oci', '@soci/ztoc'], modules: ['node'] },
  '@soci/conformance': { packages: ['@soci/index', '@soci/oci', '@soci/ztoc'], modules: ['node'] },
  '@soci/bench': { packages: ['@soci/cli', '@soci/ztoc'], modules: ['fflate', 'pako', 'node'] },
};

/** Source files, and folders of them, that must also load where there is no Node: no `node:` import, even for types. */
export const BROWSER_SAFE: readonly { readonly folder: string; readonly except: readonly string[] }[] = [
  { folder: 'packages/ztoc/src', except: ['packages/ztoc/src/node.ts'] },
];
