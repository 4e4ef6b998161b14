import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../setup.mjs';

/** Fields of the root package.json that describe a release. */
export interface RootManifest {
  readonly author: string;
  readonly license: string;
  readonly keywords: readonly string[];
  /** Address of the repository, such as `https://github.com/OWNER/NAME`. Unset until a maintainer has decided. */
  readonly repository?: string | { readonly url: string };
  readonly release: {
    /** npm user or organization that owns the scope of the packages; null until a maintainer has decided. */
    readonly npmScopeOwner: string | null;
    /**
     * Address of a public bucket with the templates of the releases, such as `https://NAME.s3.REGION.amazonaws.com`. Without
     * it, the notes of a release have no quick-create link.
     */
    readonly templateBucket?: string;
  };
}

type Manifest = Readonly<Record<string, unknown>> & { readonly keywords?: readonly string[] };

/** Reads the root package.json of a checkout. */
export function readRootManifest(root: string = ROOT): RootManifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as RootManifest;
}

/**
 * Returns the web address of the repository, without a slash at its end; undefined if it is not set.
 *
 * @throws Error if the field is not an https address.
 */
export function repositoryAddress({ repository }: RootManifest): string | undefined {
  const url = typeof repository === 'object' ? repository.url : repository;
  if (!url) return undefined;
  const [, address] = /^(?:git\+)?(https:\/\/[^/\s]+\/[^?#\s]+?)(?:\.git)?\/?$/.exec(url) ?? [];
  if (address !== undefined) return address;
  throw new Error(
    `cannot use the repository "${url}" of package.json: not an https address. ` +
      'Run "npm pkg set repository=https://github.com/OWNER/NAME".',
  );
}

/** Returns the unset fields that a release needs, each with the command that sets it. */
export function unsetFields(root: RootManifest): { readonly field: string; readonly command: string }[] {
  const unset = [];
  if (repositoryAddress(root) === undefined) {
    unset.push({ field: 'repository', command: 'npm pkg set repository=https://github.com/OWNER/NAME' });
  }
  if (!root.release.npmScopeOwner) {
    unset.push({ field: 'release.npmScopeOwner', command: 'npm pkg set release.npmScopeOwner=NAME' });
  }
  return unset;
}

/** Fields that only development reads. */
const DEVELOPMENT_FIELDS = new Set(['scripts', 'devDependencies']);

/**
 * Returns the manifest that is published: that of the package with the fields that all packages share.
 *
 * @param packed - The package's manifest, as pnpm packs it.
 * @param folder - Folder of the package in the repository.
 */
export function publishedManifest(packed: Manifest, folder: string, root: RootManifest): Manifest {
  const { name, version, description, keywords = [], ...others } = packed;
  const address = repositoryAddress(root);
  const kept = Object.entries(others).filter(([field]) => !DEVELOPMENT_FIELDS.has(field));
  return {
    name,
    version,
    description,
    keywords: [...new Set([...root.keywords, ...keywords])],
    ...(address && {
      homepage: `${address}/tree/HEAD/${folder}#readme`,
      bugs: `${address}/issues`,
      repository: { type: 'git', url: `git+${address}.git`, directory: folder },
    }),
    author: root.author,
    ...Object.fromEntries(kept),
    license: root.license,
  };
}
