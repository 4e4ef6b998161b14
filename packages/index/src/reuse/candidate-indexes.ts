import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  isImageIndex,
  isImageManifest,
  type ReferrerLister,
  type Resolver,
} from '@soci/oci';
import type { ImageReader } from '../image/image-reader.ts';
import { mapInParallel } from '../in-parallel.ts';
import { isAttestation } from '../inspect/inspect-image.ts';
import { sociVersion } from '../inspect/soci-document.ts';
import { ANNOTATION_INDEX_DIGEST, MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '../vocabulary.ts';

/** Images of an image index whose referrers are asked for at a time. */
const LISTINGS = 4;

/** Where SOCI indexes may be: names of v2 indexes are digests alone, which only a store that resolves can follow. */
export type CandidateStore = Fetcher & ReferrerLister & Partial<Resolver>;

/**
 * Lists the SOCI indexes that an image has, or the one that a candidate is: the v2 indexes that an image index lists;
 * where it lists none, the v1 indexes that refer to its manifests; of a manifest the v2 index that it names, or else the
 * v1 indexes that refer to it.
 *
 * @throws SociIndexError, `OciError` and what else `store` throws.
 */
export async function listCandidateIndexes(
  store: CandidateStore,
  reader: ImageReader,
  candidate: Descriptor,
  options: CallOptions,
): Promise<Descriptor[]> {
  const root = candidate;
  const count = reader.startWalk();
  if (isImageIndex(root.mediaType)) {
    const entries = (await reader.index(root)).manifests ?? [];
    count(entries.length);
    const listed = entries.filter(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V2);
    if (listed.length > 0) return listed;
    const images = entries.filter((entry) => isImageManifest(entry.mediaType) && !isAttestation(entry));
    return (await mapInParallel(images, LISTINGS, (image) => listReferring(store, image, count, options))).flat();
  }
  if (!isImageManifest(root.mediaType)) return [];
  const manifest = await reader.manifest(root);
  if (sociVersion(manifest) !== undefined) return [root];
  const named = manifest.annotations?.[ANNOTATION_INDEX_DIGEST];
  if (named !== undefined && store.resolve !== undefined) {
    return [await store.resolve(named, options)];
  }
  return listReferring(store, root, count, options);
}

async function listReferring(
  store: ReferrerLister,
  manifest: Descriptor,
  count: (references: number) => void,
  options: CallOptions,
): Promise<Descriptor[]> {
  const referring: Descriptor[] = [];
  for await (const descriptor of store.referrers(manifest, MEDIA_TYPE_SOCI_INDEX_V1, options)) {
    count(1);
    referring.push(descriptor);
  }
  return referring;
}
