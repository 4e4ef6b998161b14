import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  isImageIndex,
  isImageManifest,
  type Platform,
  type ReferrerLister,
} from '@soci/oci';
import { type ManifestDocument, summarize } from '../go-json/image-spec.ts';
import { ImageReader, isNotFound } from '../image/image-reader.ts';
import { checkPlatformCount } from '../image/platform-match.ts';
import { type IndexLimits, resolveLimits } from '../options.ts';
import {
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_REFERENCE_DIGEST,
  ANNOTATION_REFERENCE_TYPE,
  ATTESTATION_MANIFEST,
  MEDIA_TYPE_SOCI_INDEX_V1,
} from '../vocabulary.ts';
import { readSociDocument, type SociDocument, sociVersion } from './soci-document.ts';

/** Options of {@link inspectImage}. */
export interface InspectOptions extends CallOptions {
  /** Limits for images. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
}

/** Contents of an image. */
export interface ImageInspection {
  readonly root: Descriptor;
  /** Whether the image is SOCI-enabled: it lists a v2 SOCI index for one of its manifests. */
  readonly isConverted: boolean;
  /** The entries of an image index in their order, or the single manifest. */
  readonly entries: readonly ImageEntry[];
}

/** An entry of an image. */
export type ImageEntry = ImageManifestEntry | SociIndexEntry | OtherEntry;

/** An image manifest. */
export interface ImageManifestEntry {
  readonly kind: 'image';
  readonly descriptor: Descriptor;
  /** Configuration. For an image, a JSON document with the platform. */
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** SOCI indexes of the manifest: listed in the same image index (v2), or referring to the manifest (v1). */
  readonly indexes: readonly SociDocument[];
}

/** A v2 SOCI index. */
export interface SociIndexEntry {
  readonly kind: 'soci-index';
  readonly descriptor: Descriptor;
  /** Digest of its image manifest, from the annotation or, for a v1 index, from `subject`. */
  readonly manifest: string | undefined;
  readonly index: SociDocument;
}

/** Any other entry: an attestation, a nested image index, an artifact, or content that the store does not have. */
export interface OtherEntry {
  readonly kind: 'attestation' | 'image-index' | 'artifact' | 'missing';
  readonly descriptor: Descriptor;
  /** Digest of the attested manifest. */
  readonly manifest?: string;
}

/**
 * Lists the manifests of an image and the SOCI indexes of each manifest. Reads only manifests.
 *
 * @param store - Store of the image. If it lists referrers, v1 indexes are found too.
 * @throws SociIndexError, such as `LIMIT_EXCEEDED` for more platforms than `limits.maxPlatforms`; `OciError` and other errors
 *   of `store`; the abort reason of `options.signal`.
 */
export async function inspectImage(
  store: Fetcher & Partial<ReferrerLister>,
  image: Descriptor,
  options: InspectOptions = {},
): Promise<ImageInspection> {
  const limits = resolveLimits(options.limits);
  const reader = new ImageReader(store, limits, options.signal);
  const listed = isImageIndex(image.mediaType) ? ((await reader.index(image)).manifests ?? []) : [image];
  reader.startWalk()(listed.length);
  checkPlatformCount(image, listed, limits.maxPlatforms);
  await reader.preload(listed.filter(({ mediaType }) => isImageManifest(mediaType)));
  const entries: ImageEntry[] = [];
  const manifests = new Map<string, ManifestDocument>();
  for (const descriptor of listed) {
    const manifest = isImageManifest(descriptor.mediaType) ? await readIfPresent(reader, descriptor) : undefined;
    if (manifest !== undefined) manifests.set(descriptor.digest, manifest);
    entries.push(await classifyEntry(reader, descriptor, manifest));
  }
  const listedIndexes = groupIndexes(entries);
  const call = options.signal === undefined ? {} : { signal: options.signal };
  let isConverted = false;
  for (const [position, entry] of entries.entries()) {
    if (entry.kind !== 'image') continue;
    const { digest } = entry.descriptor;
    const named = manifests.get(digest)?.annotations?.[ANNOTATION_INDEX_DIGEST];
    const own = new Set([...(listedIndexes.get(digest) ?? []), ...(listedIndexes.get(named ?? '') ?? [])]);
    const referrers = store.referrers?.(entry.descriptor, MEDIA_TYPE_SOCI_INDEX_V1, call) ?? [];
    const indexes = [...own].map(({ index }) => index);
    for await (const referrer of referrers) indexes.push(await readSociDocument(reader, referrer));
    isConverted ||= indexes.some(({ version }) => version === 2);
    entries[position] = { ...entry, indexes };
  }
  return { root: image, isConverted, entries };
}

/** Groups the listed SOCI indexes by the digest of their image manifest, and by their own digest. */
function groupIndexes(entries: readonly ImageEntry[]): ReadonlyMap<string, readonly SociIndexEntry[]> {
  const groups = new Map<string, SociIndexEntry[]>();
  for (const entry of entries) {
    if (entry.kind !== 'soci-index') continue;
    for (const key of [entry.manifest ?? '', entry.descriptor.digest]) {
      const group = groups.get(key) ?? [];
      group.push(entry);
      groups.set(key, group);
    }
  }
  return groups;
}

async function readIfPresent(reader: ImageReader, descriptor: Descriptor): Promise<ManifestDocument | undefined> {
  try {
    return await reader.manifest(descriptor);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function classifyEntry(
  reader: ImageReader,
  entry: Descriptor,
  manifest: ManifestDocument | undefined,
): Promise<ImageEntry> {
  const descriptor = summarize(entry);
  if (isImageIndex(entry.mediaType)) return { kind: 'image-index', descriptor };
  if (manifest === undefined) {
    return { kind: isImageManifest(entry.mediaType) ? 'missing' : 'artifact', descriptor };
  }
  if (sociVersion(manifest) !== undefined) {
    const index = await readSociDocument(reader, entry);
    const belongsTo = entry.annotations?.[ANNOTATION_IMAGE_MANIFEST_DIGEST] ?? index.subject?.digest;
    return { kind: 'soci-index', descriptor, manifest: belongsTo, index };
  }
  if (isAttestation(entry)) {
    const about = entry.annotations?.[ANNOTATION_REFERENCE_DIGEST];
    return { kind: 'attestation', descriptor, ...(about !== undefined && { manifest: about }) };
  }
  const layers = (manifest.layers ?? []).map(summarize);
  return { kind: 'image', descriptor, config: summarize(manifest.config), layers, indexes: [] };
}

/** Returns whether a descriptor has BuildKit's annotation for attestations. */
export function isAttestation({ annotations }: Pick<Descriptor, 'annotations'>): boolean {
  return annotations?.[ANNOTATION_REFERENCE_TYPE] === ATTESTATION_MANIFEST;
}

/**
 * Returns the platform of an image: that of its descriptor or, if it has none, of its configuration. Reads it like
 * `convertImage`: a missing `os` is `linux`, and a missing `architecture` is empty.
 *
 * @param store - Store of the image.
 * @param image - Image from the result of `inspectImage`.
 * @throws SociIndexError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`; errors of `store`; the abort reason of `options.signal`.
 */
export async function readPlatform(
  store: Fetcher,
  { descriptor, config }: Pick<ImageManifestEntry, 'descriptor' | 'config'>,
  { limits, signal }: InspectOptions = {},
): Promise<Platform> {
  return descriptor.platform ?? new ImageReader(store, resolveLimits(limits), signal).configPlatform(config);
}
