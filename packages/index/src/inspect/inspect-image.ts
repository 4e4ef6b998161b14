import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  isImageIndex,
  isImageManifest,
  type ReferrerLister,
} from '@soci/oci';
import { type ManifestDocument, summarize } from '../go-json/image-spec.ts';
import { ImageReader, isNotFound } from '../image/image-reader.ts';
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
  /** Bounds on what a hostile image may cost. @default see {@link IndexLimits} */
  readonly limits?: IndexLimits;
}

/** What is in an image. */
export interface ImageInspection {
  readonly root: Descriptor;
  /** Whether it is a SOCI-enabled image: one of its manifests names a v2 SOCI index that is listed beside it. */
  readonly isConverted: boolean;
  /** What it lists, in its order; of a single manifest that alone. */
  readonly entries: readonly ImageEntry[];
}

/** Something that an image lists. */
export type ImageEntry = ImageManifestEntry | SociIndexEntry | OtherEntry;

/** An image manifest. */
export interface ImageManifestEntry {
  readonly kind: 'image';
  readonly descriptor: Descriptor;
  /** Its configuration: of an image a JSON document with the platform, of another artifact anything. */
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** Its SOCI indexes: those listed beside it (v2), and those that refer to it (v1). */
  readonly indexes: readonly SociDocument[];
}

/** A v2 SOCI index. */
export interface SociIndexEntry {
  readonly kind: 'soci-index';
  readonly descriptor: Descriptor;
  /** The image manifest that it belongs to, by its annotation; its own `subject` where the root is a v1 index. */
  readonly manifest: string | undefined;
  readonly index: SociDocument;
}

/** What is neither: an attestation, a nested index, any other artifact, or content that the store does not have. */
export interface OtherEntry {
  readonly kind: 'attestation' | 'image-index' | 'artifact' | 'missing';
  readonly descriptor: Descriptor;
  /** The manifest that an attestation is about. */
  readonly manifest?: string;
}

/**
 * Looks at an image: which manifests it has, and which SOCI index belongs to which of them.
 *
 * @param store - Holds the image. Where it lists referrers, v1 indexes are found too. Only manifests are read.
 * @throws SociIndexError, `OciError` and what else `store` throws; the reason of `options.signal`.
 */
export async function inspectImage(
  store: Fetcher & Partial<ReferrerLister>,
  image: Descriptor,
  options: InspectOptions = {},
): Promise<ImageInspection> {
  const reader = new ImageReader(store, resolveLimits(options.limits), options.signal);
  const listed = isImageIndex(image.mediaType) ? ((await reader.index(image)).manifests ?? []) : [image];
  reader.startWalk()(listed.length);
  const entries: ImageEntry[] = [];
  const manifests = new Map<string, ManifestDocument>();
  for (const descriptor of listed) {
    const manifest = isImageManifest(descriptor.mediaType) ? await readIfThere(reader, descriptor) : undefined;
    if (manifest !== undefined) manifests.set(descriptor.digest, manifest);
    entries.push(await classifyEntry(reader, descriptor, manifest));
  }
  const listedIndexes = entries.filter((entry) => entry.kind === 'soci-index');
  const call = options.signal === undefined ? {} : { signal: options.signal };
  let isConverted = false;
  for (const [position, entry] of entries.entries()) {
    if (entry.kind !== 'image') continue;
    const { digest } = entry.descriptor;
    const named = manifests.get(digest)?.annotations?.[ANNOTATION_INDEX_DIGEST];
    const own = listedIndexes.filter(({ manifest, descriptor }) => manifest === digest || descriptor.digest === named);
    const referrers = store.referrers?.(entry.descriptor, MEDIA_TYPE_SOCI_INDEX_V1, call) ?? [];
    const indexes = own.map(({ index }) => index);
    for await (const referrer of referrers) indexes.push(await readSociDocument(reader, referrer));
    isConverted ||= indexes.some(({ version }) => version === 2);
    entries[position] = { ...entry, indexes };
  }
  return { root: image, isConverted, entries };
}

async function readIfThere(reader: ImageReader, descriptor: Descriptor): Promise<ManifestDocument | undefined> {
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

/** Whether BuildKit has marked a descriptor as an attestation's. */
export function isAttestation({ annotations }: Pick<Descriptor, 'annotations'>): boolean {
  return annotations?.[ANNOTATION_REFERENCE_TYPE] === ATTESTATION_MANIFEST;
}
