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

/** What a manifest and an image index have in common. */
interface ManifestHead {
  /** The bytes it was parsed from. They, not a re-serialization, are what its digest is of; unknown fields live on here. */
  readonly raw: Uint8Array;
  /** What it says, else what its descriptor says, else OCI's. */
  readonly mediaType: string;
  /** The manifest that this one is about. */
  readonly subject?: Descriptor;
  /** Type of the artifact, if it is one and says so. */
  readonly artifactType?: string;
  /** Arbitrary metadata, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * An image manifest, OCI or Docker schema 2: one image for one platform, or an artifact in that shape.
 *
 * @see OCI image-spec v1.1, manifest.md
 */
export interface ImageManifest extends ManifestHead {
  /** The image's configuration, or what an artifact has in its place. */
  readonly config: Descriptor;
  /** In order of application, the base first. */
  readonly layers: readonly Descriptor[];
}

/**
 * An image index, OCI or a Docker manifest list: one image for several platforms.
 *
 * @see OCI image-spec v1.1, image-index.md
 */
export interface ImageIndex extends ManifestHead {
  /** What it lists, in its order: manifests, and indexes of their own. */
  readonly manifests: readonly Descriptor[];
}

/** What a manifest says about another. */
export interface Referral {
  /** Digest of the manifest that it is about. */
  readonly subject: string;
  /** Its own descriptor, with artifact type and annotations filled in from its content. */
  readonly referrer: Descriptor;
}

/**
 * Parses and checks an image manifest.
 *
 * @param bytes - As fetched; kept as `raw`, so do not change them after.
 * @param descriptor - What led to the bytes; its media type must agree with theirs. Its digest is not checked here: see `readVerified`.
 * @throws OciError `MANIFEST_INVALID`, naming the field; `LIMIT_EXCEEDED`.
 */
export function parseManifest(
  bytes: Uint8Array,
  descriptor?: Pick<Descriptor, 'mediaType'>,
  limits: OciLimits = {},
): ImageManifest {
  const document = parseDocument(bytes, 'manifest', limits.maxManifestSize);
  const mediaType = checkKind(document, 'manifest', descriptor?.mediaType) ?? MEDIA_TYPE_OCI_IMAGE_MANIFEST;
  if (field(document, 'config') === undefined) {
    throw new OciError('MANIFEST_INVALID', 'manifest.config is missing: a manifest names its configuration');
  }
  const layers = listField(document, 'layers', 'manifest', limits.maxLayers ?? DEFAULT_LIMITS.maxLayers);
  return {
    config: parseDescriptor(document.config, 'manifest.config'),
    layers: layers.map((layer, position) => parseDescriptor(layer, `manifest.layers[${position}]`)),
    ...parseHead(document, 'manifest', bytes, mediaType),
  };
}

/**
 * Parses and checks an image index.
 *
 * @param bytes - As fetched; kept as `raw`, so do not change them after.
 * @param descriptor - What led to the bytes; its media type must agree with theirs. Its digest is not checked here: see `readVerified`.
 * @throws OciError `MANIFEST_INVALID`, naming the field; `LIMIT_EXCEEDED`.
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
    ...parseHead(document, 'image index', bytes, mediaType),
  };
}

/**
 * Makes the descriptor of a manifest or image index that comes without one, from its own media type or, if it names
 * none, from its shape.
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
 * Reads out of a manifest or image index what it is about, as the referrers API would list it: the artifact type is the
 * manifest's own, else the media type of its configuration. Undefined if it has no subject, or is a blob.
 *
 * @param raw - The verified bytes that `descriptor` names.
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

/** The two kinds of document that lead to others. */
type ManifestKind = 'manifest' | 'image index';

function parseHead(document: JsonObject, kind: ManifestKind, raw: Uint8Array, mediaType: string): ManifestHead {
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
 * Checks that `document` is of the kind it is taken for, and nothing else at the same time: the same bytes read as a
 * manifest here and as an index there would be two images under one digest.
 *
 * @returns Its media type, by its own word or its descriptor's; undefined if neither says.
 * @throws OciError `MANIFEST_INVALID`
 * @see CVE-2021-41190; containerd v2.2.9, core/images/image.go, `validateMediaType`
 */
function checkKind(document: JsonObject, kind: ManifestKind, described: string | undefined): string | undefined {
  if (field(document, 'fsLayers') !== undefined || field(document, 'schemaVersion') === 1) {
    const message =
      'Docker schema 1 manifests are not supported: pull and push the image with a current Docker or skopeo to renew it';
    throw new OciError('MANIFEST_INVALID', message);
  }
  if (field(document, 'schemaVersion') !== 2) {
    const message = `${kind}.schemaVersion must be 2, found ${showValue(field(document, 'schemaVersion'))}`;
    throw new OciError('MANIFEST_INVALID', message);
  }
  const foreign = kind === 'manifest' ? ['manifests'] : ['config', 'layers'];
  for (const key of foreign) {
    if (field(document, key) !== undefined) {
      throw new OciError('MANIFEST_INVALID', `${kind} has a field of the other kind, ${key}: it could be read as both`);
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
    throw new OciError('MANIFEST_INVALID', `${kind}.mediaType is ${own}, but its descriptor says ${described}`);
  }
  return own ?? described;
}
