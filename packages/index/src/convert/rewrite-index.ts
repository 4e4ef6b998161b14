import {
  type Descriptor,
  formatPlatform,
  isImageManifest,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  type Platform,
} from '@soci/oci';
import { describeContent } from '../describe-content.ts';
import { SociIndexError } from '../errors.ts';
import { encodeStruct } from '../go-json/encode.ts';
import { INDEX, type IndexDocument, MANIFEST } from '../go-json/image-spec.ts';
import type { ImageReader } from '../image/image-reader.ts';
import { matchPlatform } from '../image/platform-match.ts';
import { readFirstManifest } from '../image/select.ts';
import { isSociIndexEntry } from '../inspect/soci-document.ts';
import { describeRecompressed, type RecompressedLayer } from '../layers/recompress-layer.ts';
import type { ResolvedOptions } from '../options.ts';
import {
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_REFERENCE_DIGEST,
  ANNOTATION_REFERENCE_TYPE,
  ATTESTATION_MANIFEST,
} from '../vocabulary.ts';
import type { PlatformPlan } from './plan-image.ts';
import { describeProvenance, type ProvenanceAnnotations, replaceProvenance, sourceDigest } from './provenance.ts';
import type { Artifact } from './soci-manifest.ts';

/** A v2 SOCI index and the image manifest that it belongs to. */
export interface AttachedIndex {
  readonly platform: Platform;
  /** The image manifest before the conversion. */
  readonly manifest: Descriptor;
  readonly descriptor: Descriptor;
  /** Recompressed layers by the digest of the original layer. */
  readonly recompressed: ReadonlyMap<string, RecompressedLayer>;
}

/**
 * Writes the image index of a SOCI-enabled image. A single image manifest is wrapped in an image index.
 *
 * @param provenance - Provenance annotations of the image index. @default those of this run
 * @returns The descriptor and content of the image index, and the rewritten manifests.
 * @throws SociIndexError `ALREADY_CONVERTED` if a SOCI index of an earlier conversion would remain.
 */
export async function rewriteImage(
  reader: ImageReader,
  target: Descriptor,
  attached: readonly AttachedIndex[],
  options: ResolvedOptions,
  provenance?: ProvenanceAnnotations,
) {
  const { isCompat } = options;
  const isWrapped = isImageManifest(target.mediaType);
  const { annotations: before, ...index }: IndexDocument = isWrapped
    ? { schemaVersion: 2, manifests: [target] }
    : await reader.index(target);
  const { entries, manifests } = await rewriteEntries(reader, index.manifests ?? [], attached, { isCompat, isWrapped });
  const own = () => describeProvenance(sourceDigest(target.digest, before), 2, options);
  const annotations = isCompat ? before : replaceProvenance(before, provenance ?? own());
  const content = encodeStruct(INDEX, {
    ...index,
    mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX,
    manifests: entries,
    ...(annotations && { annotations }),
  });
  return { root: describeContent(MEDIA_TYPE_OCI_IMAGE_INDEX, content), content, manifests };
}

/** Pairs each SOCI index with its platform and image manifest. */
export function attachIndexes(
  plans: readonly PlatformPlan[],
  indexes: readonly ({ readonly descriptor: Descriptor } | undefined)[],
): AttachedIndex[] {
  return plans.flatMap(({ platform, manifest, layers }, i) => {
    const descriptor = indexes[i]?.descriptor;
    if (descriptor === undefined) return [];
    const recompressed = new Map<string, RecompressedLayer>();
    for (const layer of layers) {
      if ('recompressed' in layer && layer.recompressed) recompressed.set(layer.task.digest, layer.recompressed);
    }
    return [{ platform, manifest, descriptor, recompressed }];
  });
}

interface RewriteOptions {
  /** Whether to produce the same output as soci. */
  readonly isCompat: boolean;
  /** Whether the image index wraps a single manifest. The descriptor of that manifest comes from a tag, not from an index. */
  readonly isWrapped: boolean;
}

/**
 * Rewrites the entries of an image index. Each manifest becomes an OCI manifest with an annotation for its SOCI index. The
 * SOCI indexes are appended, or replace an older SOCI index for the same platform
 * (soci-snapshotter v0.16.1, soci/soci_convert.go, `annotateImages` and `addSociIndexes`).
 */
async function rewriteEntries(
  reader: ImageReader,
  before: readonly Descriptor[],
  attached: readonly AttachedIndex[],
  options: RewriteOptions,
) {
  const listed = attached.map(({ descriptor, platform }) => ({ ...descriptor, platform }));
  const manifests: Artifact[] = [];
  const newDigests = new Map<string, string>();
  const entries: Descriptor[] = [];
  const isOwner = (entry: Descriptor) => attached.some(({ manifest }) => manifest.digest === entry.digest);
  const isKept = (entry: Descriptor) => !options.isCompat && !isOwner(entry) && isNeverRewritten(entry);
  await reader.preload(before.filter((entry) => !isKept(entry)));
  for (const entry of before) {
    const owner = attached.findIndex(({ manifest }) => manifest.digest === entry.digest);
    const rewritten = isKept(entry) ? undefined : await rewriteManifest(reader, entry, attached[owner], options);
    if (rewritten === undefined) {
      entries.push(entry);
      continue;
    }
    manifests.push(rewritten.artifact);
    entries.push(rewritten.entry);
    newDigests.set(entry.digest, rewritten.entry.digest);
    const own = listed[owner];
    if (own !== undefined) own.annotations = { [ANNOTATION_IMAGE_MANIFEST_DIGEST]: rewritten.entry.digest };
  }
  const updated = options.isCompat ? entries : entries.map((entry) => updateAttestation(entry, newDigests));
  return { entries: listSociIndexes(updated, listed, attached), manifests };
}

/** Returns whether an entry is not rewritten: an attestation, whose digest may be signed, or a SOCI index. */
function isNeverRewritten(entry: Descriptor): boolean {
  return entry.annotations?.[ANNOTATION_REFERENCE_TYPE] === ATTESTATION_MANIFEST || isSociIndexEntry(entry);
}

/** Rewrites the manifest of an entry. Returns undefined if the store does not have it and it is not to be indexed. */
async function rewriteManifest(
  reader: ImageReader,
  entry: Descriptor,
  owner: AttachedIndex | undefined,
  { isCompat, isWrapped }: RewriteOptions,
): Promise<{ entry: Descriptor; artifact: Artifact } | undefined> {
  const manifest = await readFirstManifest(reader, entry);
  if (manifest === undefined) {
    if (owner === undefined) return undefined;
    const message = `cannot read image manifest ${entry.digest}`;
    throw new SociIndexError('MANIFEST_INVALID', message, { digest: entry.digest });
  }
  manifest.mediaType = MEDIA_TYPE_OCI_IMAGE_MANIFEST;
  manifest.config = { ...manifest.config, mediaType: MEDIA_TYPE_OCI_IMAGE_CONFIG };
  if (owner !== undefined) {
    manifest.annotations = { ...manifest.annotations, [ANNOTATION_INDEX_DIGEST]: owner.descriptor.digest };
    manifest.layers = (manifest.layers ?? []).map((layer) => {
      const recompressed = owner.recompressed.get(layer.digest);
      return recompressed === undefined ? layer : describeRecompressed(layer, recompressed);
    });
  }
  const content = encodeStruct(MANIFEST, manifest);
  const descriptor = describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, content);
  const { annotations: own, ...rest } = entry;
  const annotations = isCompat || isWrapped ? manifest.annotations : mergeAnnotations(own, manifest.annotations);
  // Runtimes select an entry by its platform without reading configurations.
  const platform = rest.platform ?? (isCompat ? undefined : owner?.platform);
  return {
    entry: { ...rest, ...descriptor, ...(platform && { platform }), ...(annotations && { annotations }) },
    artifact: { kind: 'image-manifest', descriptor, content },
  };
}

/** Adds the annotations of a manifest to those of its entry. The entry wins, except for the digest of the SOCI index. */
function mergeAnnotations(
  own: Descriptor['annotations'],
  manifests: Descriptor['annotations'],
): Descriptor['annotations'] {
  if (own === undefined || manifests === undefined) return own ?? manifests;
  const indexDigest = manifests[ANNOTATION_INDEX_DIGEST];
  return { ...manifests, ...own, ...(indexDigest !== undefined && { [ANNOTATION_INDEX_DIGEST]: indexDigest }) };
}

/** Updates the reference of an attestation to a rewritten manifest. */
function updateAttestation(entry: Descriptor, newDigests: ReadonlyMap<string, string>): Descriptor {
  const digest = newDigests.get(entry.annotations?.[ANNOTATION_REFERENCE_DIGEST] ?? '');
  if (digest === undefined || entry.annotations?.[ANNOTATION_REFERENCE_TYPE] !== ATTESTATION_MANIFEST) return entry;
  return { ...entry, annotations: { ...entry.annotations, [ANNOTATION_REFERENCE_DIGEST]: digest } };
}

function listSociIndexes(
  entries: readonly Descriptor[],
  indexes: readonly (Descriptor & { platform: Platform })[],
  attached: readonly AttachedIndex[],
): Descriptor[] {
  const list = [...entries];
  for (const index of indexes) {
    const matches = matchPlatform(index.platform);
    const older = list.findIndex(
      (entry) => isSociIndexEntry(entry) && entry.platform !== undefined && matches(entry.platform),
    );
    if (older < 0) list.push(index);
    else list[older] = index;
  }
  const known = new Set(attached.map(({ descriptor }) => descriptor.digest));
  const stale = list.find((entry) => isSociIndexEntry(entry) && !known.has(entry.digest));
  if (stale === undefined) return list;
  const name = stale.platform === undefined ? 'no platform' : formatPlatform(stale.platform);
  const message = `the image is already SOCI-enabled and lists a SOCI index (for ${name}) that this conversion does not replace. Convert all platforms, or convert the original image`;
  throw new SociIndexError('ALREADY_CONVERTED', message, { digest: stale.digest });
}
