import { ANNOTATION_SETTINGS_DIGEST, ANNOTATION_SOURCE_DIGEST, MEDIA_TYPE_SOCI_INDEX_V2 } from '@soci/index';
import {
  type CallOptions,
  type ListedImage,
  type ListedManifest,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  OciError,
  parseImageIndex,
  type RegistryCatalog,
} from '@soci/oci';
import type { ResolvedPolicy } from './policy.ts';

/** What the manifest of an image index says. */
export interface RootFacts {
  /** Digest of the image that it was made of. Only of this project's indexes. */
  readonly sourceDigest?: string;
  /** Digest of the settings. Only of this project's indexes. */
  readonly settingsDigest?: string;
  /** Digests of the SOCI indexes that it lists. */
  readonly sociIndexes: readonly string[];
  /** Digests of the other manifests that it lists. */
  readonly manifests: readonly string[];
}

/** Facts by digest. A manifest that is not a valid image index is missing. */
export type RootFactsByDigest = ReadonlyMap<string, RootFacts>;

/**
 * Returns the digests of the manifests that a plan must read, because the listing is not enough: SOCI-enabled images whose
 * provenance is compared or whose push times are unknown, and for version 1 image indexes, whose manifests have the indexes.
 */
export function selectRoots(images: readonly ListedImage[], policy: ResolvedPolicy): string[] {
  const { version, outputTag, readsProvenance } = policy;
  const isIndex = ({ mediaType, archived }: ListedImage) =>
    archived !== true && (mediaType === undefined || mediaType === MEDIA_TYPE_OCI_IMAGE_INDEX);
  const digests = images.filter((image) => {
    if (!isIndex(image)) return false;
    if (version === 1) return image.tags.length > 0;
    if (outputTag.format({ tag: 'v', digest: image.digest }) === undefined) return image.tags.length === 0;
    const isOutput = image.tags.some((tag) => outputTag.isOutput(tag));
    return isOutput && (readsProvenance || image.pushedAt === undefined);
  });
  return digests.map(({ digest }) => digest);
}

/** Reads manifests and returns what they say. Manifests that vanished since the listing are missing. */
export async function readRootFacts(
  catalog: Pick<RegistryCatalog, 'manifests'>,
  repository: string,
  digests: readonly string[],
  options: CallOptions = {},
): Promise<RootFactsByDigest> {
  const facts = new Map<string, RootFacts>();
  if (digests.length === 0) return facts;
  for await (const manifest of catalog.manifests(repository, digests, options)) {
    const each = parseFacts(manifest);
    if (each !== undefined) facts.set(manifest.digest, each);
  }
  return facts;
}

function parseFacts({ content }: ListedManifest): RootFacts | undefined {
  let index: ReturnType<typeof parseImageIndex>;
  try {
    index = parseImageIndex(content);
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
  const { annotations = {}, manifests } = index;
  const source = annotations[ANNOTATION_SOURCE_DIGEST];
  const settings = annotations[ANNOTATION_SETTINGS_DIGEST];
  const entries = manifests ?? [];
  return {
    ...(source !== undefined && { sourceDigest: source }),
    ...(settings !== undefined && { settingsDigest: settings }),
    sociIndexes: entries.filter((each) => each.artifactType === MEDIA_TYPE_SOCI_INDEX_V2).map(({ digest }) => digest),
    manifests: entries.filter((each) => each.artifactType !== MEDIA_TYPE_SOCI_INDEX_V2).map(({ digest }) => digest),
  };
}
