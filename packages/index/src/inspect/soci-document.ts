import { type Descriptor, isImageManifest, quoteText } from '@soci/oci';
import { SociIndexError } from '../errors.ts';
import { type ManifestDocument, summarize } from '../go-json/image-spec.ts';
import type { ImageReader } from '../image/image-reader.ts';
import {
  ANNOTATION_BUILD_TOOL_IDENTIFIER,
  ANNOTATION_DISABLE_XATTRS,
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_LAYER_MEDIA_TYPE,
  ANNOTATION_READS_DIGEST,
  ANNOTATION_SPAN_SIZE,
  MEDIA_TYPE_PREFETCH,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
} from '../vocabulary.ts';

/** A parsed SOCI index manifest. */
export interface SociDocument {
  readonly descriptor: Descriptor;
  readonly version: 1 | 2;
  /** Name of the tool that built it. */
  readonly buildToolIdentifier?: string;
  /** Image manifest of a v1 index. */
  readonly subject?: Descriptor;
  readonly ztocs: readonly ZtocReference[];
  readonly prefetches: readonly PrefetchReference[];
  /** Annotations of the manifest, such as the provenance annotations. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A zTOC in a SOCI index. */
export interface ZtocReference extends PrefetchReference {
  readonly layerMediaType: string;
  /** Minimum distance between checkpoints, in bytes of uncompressed data. */
  readonly spanSize: number;
  /** What the start of a container reads in the layer, as a digest. Only if the zTOC was built with the span size `auto`. */
  readonly readsDigest?: string;
  /** Whether the layer is marked as having no extended attributes. */
  readonly disablesXattrs: boolean;
}

/** A prefetch artifact in a SOCI index. */
export interface PrefetchReference {
  readonly descriptor: Descriptor;
  readonly layerDigest: string;
}

/** Finds the zTOC of a layer in the SOCI indexes of an image, v2 before v1. */
export function findZtoc(indexes: readonly SociDocument[], layerDigest: string): ZtocReference | undefined {
  let byLayer = ztocsByLayer.get(indexes);
  if (byLayer === undefined) {
    byLayer = new Map();
    for (const { ztocs } of indexes.toSorted((a, b) => b.version - a.version)) {
      for (const ztoc of ztocs) if (!byLayer.has(ztoc.layerDigest)) byLayer.set(ztoc.layerDigest, ztoc);
    }
    ztocsByLayer.set(indexes, byLayer);
  }
  return byLayer.get(layerDigest);
}

/** The zTOCs of a list of indexes: an image can have thousands of layers. */
const ztocsByLayer = new WeakMap<readonly SociDocument[], Map<string, ZtocReference>>();

/** Returns the version of a SOCI index from the media type of its configuration, or undefined for other manifests. */
export function sociVersion({ config }: Pick<ManifestDocument, 'config'>): 1 | 2 | undefined {
  if (config.mediaType === MEDIA_TYPE_SOCI_INDEX_V1) return 1;
  return config.mediaType === MEDIA_TYPE_SOCI_INDEX_V2 ? 2 : undefined;
}

/** Reports whether an entry of an image index is a v2 SOCI index. skopeo 1.9 copies such entries without their artifact type. */
export function isSociIndexEntry({ artifactType, annotations }: Descriptor): boolean {
  return artifactType === MEDIA_TYPE_SOCI_INDEX_V2 || annotations?.[ANNOTATION_IMAGE_MANIFEST_DIGEST] !== undefined;
}

/**
 * Reads a SOCI index manifest.
 *
 * @throws SociIndexError `SOCI_INDEX_INVALID` if it is not a valid SOCI index manifest.
 */
export async function readSociDocument(reader: ImageReader, descriptor: Descriptor): Promise<SociDocument> {
  const { digest, mediaType } = descriptor;
  const manifest = isImageManifest(mediaType) ? await reader.manifest(descriptor) : undefined;
  const version = manifest && sociVersion(manifest);
  if (manifest === undefined || version === undefined) throw invalid(digest, 'is not a SOCI index manifest');
  const blobs = manifest.layers ?? [];
  const buildToolIdentifier = manifest.annotations?.[ANNOTATION_BUILD_TOOL_IDENTIFIER];
  return {
    descriptor: summarize(descriptor),
    version,
    ...(buildToolIdentifier !== undefined && { buildToolIdentifier }),
    ...(manifest.subject && { subject: summarize(manifest.subject) }),
    ztocs: blobs.filter((blob) => !isPrefetch(blob)).map((blob) => readZtocReference(digest, blob)),
    prefetches: blobs.filter(isPrefetch).map((blob) => readReference(digest, blob)),
    annotations: { ...manifest.annotations },
  };
}

function isPrefetch({ mediaType }: Descriptor): boolean {
  return mediaType === MEDIA_TYPE_PREFETCH;
}

function readReference(index: string, blob: Descriptor): PrefetchReference {
  return { descriptor: summarize(blob), layerDigest: annotation(index, blob, ANNOTATION_LAYER_DIGEST) };
}

function readZtocReference(index: string, blob: Descriptor): ZtocReference {
  const spanSize = annotation(index, blob, ANNOTATION_SPAN_SIZE);
  if (!/^[0-9]{1,15}$/.test(spanSize))
    throw invalid(index, `has an invalid span size for ${blob.digest}: ${quoteText(spanSize)}`);
  const readsDigest = blob.annotations?.[ANNOTATION_READS_DIGEST];
  return {
    ...readReference(index, blob),
    layerMediaType: annotation(index, blob, ANNOTATION_LAYER_MEDIA_TYPE),
    spanSize: Number(spanSize),
    ...(readsDigest !== undefined && { readsDigest }),
    disablesXattrs: blob.annotations?.[ANNOTATION_DISABLE_XATTRS] === 'true',
  };
}

function annotation(index: string, blob: Descriptor, name: string): string {
  const value = blob.annotations?.[name];
  if (value === undefined) throw invalid(index, `does not have the annotation ${name} for ${blob.digest}`);
  return value;
}

function invalid(digest: string, what: string): SociIndexError {
  return new SociIndexError('SOCI_INDEX_INVALID', `${digest} ${what}`, { digest });
}
