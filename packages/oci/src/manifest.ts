import { type Descriptor, parseDescriptor } from './descriptor.ts';
import { digestOf } from './digest.ts';
import { field, type JsonObject, listField, optionalMediaType, optionalStringMap, parseDocument } from './document.ts';
import { OciError, showValue } from './errors.ts';
import { DEFAULT_LIMITS, type OciLimits } from './limits.ts';
import {
  isImageIndex,
  isImageManifest,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
} from './media-types.ts';

/** Common fields of manifests and image indexes. */
interface ManifestBase {
  /**
   * The bytes from which it was parsed. Its digest covers them, not a re-serialization. They include unknown fields.
   */
  readonly raw: Uint8Array;
  /** Media type of the document, else that of its descriptor, else the OCI media type. */
  readonly mediaType: string;
  /** The manifest that this one refers to, for example as its signature. */
  readonly subject?: Descriptor;
  /** Artifact type, if set. */
  readonly artifactType?: string;
  /** Arbitrary metadata, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * An image manifest, OCI or Docker schema 2: an image for one platform, or an artifact.
 *
 * @see OCI image-spec v1.1, manifest.md
 */
export interface ImageManifest extends ManifestBase {
  /** Image configuration, or the config blob of an artifact. */
  readonly config: Descriptor;
  /** Layers in order of application, starting with the base layer. */
  readonly layers: readonly Descriptor[];
}

/**
 * An image index, OCI or a Docker manifest list: an image for several platforms.
 *
 * @see OCI image-spec v1.1, image-index.md
 */
export interface ImageIndex extends ManifestBase {
  /** Manifests and image indexes, in the order of the document. */
  readonly manifests: readonly Descriptor[];
}

/** A manifest and its subject. */
export interface Referral {
  /** Digest of the subject. */
  readonly subject: string;
  /** Descriptor of the manifest, with its artifact type and annotations. */
  readonly referrer: Descriptor;
}

/**
 * Parses and checks an image manifest.
 *
 * @param bytes - The bytes as fetched. They are kept as `raw`: do not change them.
 * @param descriptor - Descriptor of the bytes. Its media type must match theirs. Its digest is not checked: see
 * `readVerified`.
 * @throws OciError `MANIFEST_INVALID`, with the name of the field; `LIMIT_EXCEEDED`.
 */
export function parseManifest(
  bytes: Uint8Array,
  descriptor?: Pick<Descriptor, 'mediaType'>,
  limits: OciLimits = {},
): ImageManifest {
  const document = parseDocument(bytes, 'manifest', limits.maxManifestSize);
  const mediaType = checkKind(document, 'manifest', descriptor?.mediaType) ?? MEDIA_TYPE_OCI_IMAGE_MANIFEST;
  if (field(document, 'config') === undefined) {
    throw new OciError('MANIFEST_INVALID', 'manifest.config is missing');
  }
  const layers = listField(document, 'layers', 'manifest', limits.maxLayers ?? DEFAULT_LIMITS.maxLayers);
  return {
    config: parseDescriptor(document.config, 'manifest.config'),
    layers: layers.map((layer, position) => parseDescriptor(layer, `manifest.layers[${position}]`)),
    ...parseBase(document, 'manifest', bytes, mediaType),
  };
}

/**
 * Parses and checks an image index.
 *
 * @param bytes - The bytes as fetched. They are kept as `raw`: do not change them.
 * @param descriptor - Descriptor of the bytes. Its media type must match theirs. Its digest is not checked: see
 * `readVerified`.
 * @throws OciError `MANIFEST_INVALID`, with the name of the field; `LIMIT_EXCEEDED`.
 */
export function parseImageIndex(
  bytes: Uint8Array,
  descriptor?: Pick<Descriptor, 'mediaType'>,
  limits: OciLimits = {},
): ImageIndex {
  const document = parseDocument(bytes, 'image index', limits.maxManifestSize);
  const mediaType = checkKind(document, 'image index', descriptor?.mediaType) ?? MEDIA_TYPE_OCI_IMAGE_INDEX;
  const maxManifests = limits.maxManifests ?? DEFAULT_LIMITS.maxManifests;
  const manifests = listField(document, 'manifests', 'image index', maxManifests);
  return {
    manifests: manifests.map((entry, position) => parseDescriptor(entry, `image index.manifests[${position}]`)),
    ...parseBase(document, 'image index', bytes, mediaType),
  };
}

/**
 * Creates the descriptor of a manifest or image index that was received without one. The media type is taken from the
 * document or, if it has none, derived from its fields.
 *
 * @throws OciError `MANIFEST_INVALID` if the bytes are neither; `LIMIT_EXCEEDED`.
 */
export function describeManifest(bytes: Uint8Array, maxSize?: number): Descriptor {
  const document = parseDocument(bytes, 'manifest', maxSize);
  const own = optionalMediaType(document, 'mediaType', 'manifest');
  const index = own === undefined ? field(document, 'manifests') !== undefined : isImageIndex(own);
  const mediaType = checkKind(document, index ? 'image index' : 'manifest', undefined);
  return {
    mediaType: mediaType ?? (index ? MEDIA_TYPE_OCI_IMAGE_INDEX : MEDIA_TYPE_OCI_IMAGE_MANIFEST),
    digest: digestOf(bytes),
    size: bytes.length,
  };
}

/**
 * Returns the subject of a manifest or image index, as the referrers API would list it: the artifact type is that of
 * the manifest, else the media type of its configuration. Returns undefined if it has no subject, or is a blob.
 *
 * @param raw - The verified bytes of `descriptor`.
 * @throws OciError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`
 * @see OCI distribution-spec v1.1, "Listing Referrers"
 */
export function readReferral(descriptor: Descriptor, raw: Uint8Array, limits?: OciLimits): Referral | undefined {
  const { mediaType, digest, size } = descriptor;
  const parsed = isImageManifest(mediaType)
    ? parseManifest(raw, descriptor, limits)
    : isImageIndex(mediaType)
      ? parseImageIndex(raw, descriptor, limits)
      : undefined;
  if (parsed?.subject === undefined) return undefined;
  const artifactType = parsed.artifactType ?? ('config' in parsed ? parsed.config.mediaType : undefined);
  return {
    subject: parsed.subject.digest,
    referrer: {
      mediaType,
      digest,
      size,
      ...(artifactType !== undefined && { artifactType }),
      ...(parsed.annotations && { annotations: parsed.annotations }),
    },
  };
}

/** Documents that refer to other content. */
type ManifestKind = 'manifest' | 'image index';

function parseBase(document: JsonObject, kind: ManifestKind, raw: Uint8Array, mediaType: string): ManifestBase {
  const subject = field(document, 'subject');
  const artifactType = optionalMediaType(document, 'artifactType', kind);
  const annotations = optionalStringMap(document, 'annotations', kind);
  return {
    raw,
    mediaType,
    ...(subject !== undefined && { subject: parseDescriptor(subject, `${kind}.subject`) }),
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
}

/**
 * Checks that `document` is of one kind only. If the same bytes were a manifest for one reader and an index for
 * another, one digest would name two images.
 *
 * @returns Media type of the document, else of its descriptor; undefined if neither has one.
 * @throws OciError `MANIFEST_INVALID`
 * @see CVE-2021-41190; containerd v2.2.9, core/images/image.go, `validateMediaType`
 */
function checkKind(document: JsonObject, kind: ManifestKind, described: string | undefined): string | undefined {
  if (field(document, 'fsLayers') !== undefined || field(document, 'schemaVersion') === 1) {
    const message =
      'Docker schema 1 manifests are not supported. Pull and push the image with a current Docker or skopeo to convert it.';
    throw new OciError('MANIFEST_INVALID', message);
  }
  if (field(document, 'schemaVersion') !== 2) {
    const message = `${kind}.schemaVersion must be 2, found ${showValue(field(document, 'schemaVersion'))}`;
    throw new OciError('MANIFEST_INVALID', message);
  }
  const foreign = kind === 'manifest' ? ['manifests'] : ['config', 'layers'];
  for (const key of foreign) {
    if (field(document, key) !== undefined) {
      throw new OciError('MANIFEST_INVALID', `${kind} has the field ${key} and could be read as two kinds of document`);
    }
  }
  const isKind = kind === 'manifest' ? isImageManifest : isImageIndex;
  const own = optionalMediaType(document, 'mediaType', kind);
  for (const mediaType of [own, described]) {
    if (mediaType !== undefined && !isKind(mediaType)) {
      throw new OciError('MANIFEST_INVALID', `${mediaType} is not the media type of a ${kind}`);
    }
  }
  if (own !== undefined && described !== undefined && own !== described) {
    throw new OciError(
      'MANIFEST_INVALID',
      `${kind}.mediaType is ${own}, but the media type in its descriptor is ${described}`,
    );
  }
  return own ?? described;
}
