import { MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '@soci/index';
import { type CallOptions, OciError, parseManifest, type RegistryCatalog } from '@soci/oci';
import type { PlannedRepository } from './plan-registry.ts';

/** Number of tags of a repository by what the plan says. Tags that the filters do not select, and artifacts, do not count. */
export interface RepositoryStatus {
  /** Name of the repository. */
  readonly repository: string;
  /** Tags of images: the sum of the next four. */
  readonly images: number;
  /** Tags with a current index. */
  readonly indexed: number;
  /** Tags without an index. */
  readonly missing: number;
  /** Tags with an index of another image, or with other settings. */
  readonly stale: number;
  /** Tags that the policy skips: archived, too old, too large. */
  readonly skipped: number;
  /** Size of the zTOCs of all SOCI indexes in bytes. A zTOC that two indexes list counts twice. */
  readonly indexBytes: number;
}

const UNSELECTED: readonly string[] = ['no-match', 'excluded', 'not-an-image'];

/**
 * Counts what a plan says. Reads the SOCI indexes for their sizes only if the registry does not list them.
 *
 * @throws Errors of the catalog.
 */
export async function describeRepository(
  catalog: Pick<RegistryCatalog, 'manifests'>,
  { repository, images, listed }: PlannedRepository,
  options: CallOptions = {},
): Promise<RepositoryStatus> {
  const count = (isCounted: (action: string, reason: string) => boolean) =>
    images.filter(({ action, reason }) => isCounted(action, reason)).length;
  const sizes = listed.images.filter(({ artifactType }) => isSociIndex(artifactType));
  const indexBytes =
    listed.lists === 'all'
      ? sizes.reduce((sum, { size = 0 }) => sum + size, 0)
      : await readIndexSize(
          catalog,
          repository,
          [...(listed.roots?.values() ?? [])].flatMap(({ sociIndexes }) => sociIndexes),
          options,
        );
  return {
    repository,
    images: count((_, reason) => !UNSELECTED.includes(reason)),
    indexed: count((action) => action === 'current'),
    missing: count((action) => action === 'index'),
    stale: count((action) => action === 'stale'),
    skipped: count((action, reason) => action === 'skipped' && !UNSELECTED.includes(reason)),
    indexBytes,
  };
}

function isSociIndex(artifactType: string | undefined): boolean {
  return artifactType === MEDIA_TYPE_SOCI_INDEX_V1 || artifactType === MEDIA_TYPE_SOCI_INDEX_V2;
}

/** Reads SOCI indexes, and returns the size of what they list. */
async function readIndexSize(
  catalog: Pick<RegistryCatalog, 'manifests'>,
  repository: string,
  digests: readonly string[],
  options: CallOptions,
): Promise<number> {
  let bytes = 0;
  if (digests.length === 0) return bytes;
  for await (const { content } of catalog.manifests(repository, [...new Set(digests)], options)) {
    try {
      bytes += parseManifest(content).layers.reduce((sum, { size }) => sum + size, 0);
    } catch (error) {
      // An index that is not valid has no zTOCs that a client can use.
      if (!(error instanceof OciError)) throw error;
    }
  }
  return bytes;
}
