import { type Descriptor, parseDescriptor } from './descriptor.ts';
import { field, listField, optionalMediaType, optionalStringMap, parseDocument } from './document.ts';
import { MAX_MANIFESTS, type OciLimits } from './limits.ts';
import { checkManifestKind } from './manifest-kind.ts';
import { MEDIA_TYPE_OCI_IMAGE_INDEX } from './media-types.ts';

/**
 * An image index, OCI or a Docker manifest list: one image for several platforms.
 *
 * @see OCI image-spec v1.1, image-index.md
 */
export interface ImageIndex {
  /** The bytes it was parsed from. They, not a re-serialization, are what its digest is of; unknown fields live on here. */
  readonly raw: Uint8Array;
  /** What it says, else what its descriptor says, else OCI's. */
  readonly mediaType: string;
  /** What it lists, in its order: manifests, and indexes of their own. */
  readonly manifests: readonly Descriptor[];
  /** The manifest that this one is about. */
  readonly subject?: Descriptor;
  /** Type of the artifact, where it is one and says so. */
  readonly artifactType?: string;
  /** What somebody wrote into it, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
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
  const mediaType = checkManifestKind(document, 'image index', descriptor?.mediaType) ?? MEDIA_TYPE_OCI_IMAGE_INDEX;
  const manifests = listField(document, 'manifests', 'image index', limits.maxManifests ?? MAX_MANIFESTS);
  const subject = field(document, 'subject');
  const artifactType = optionalMediaType(document, 'artifactType', 'image index');
  const annotations = optionalStringMap(document, 'annotations', 'image index');
  return {
    raw: bytes,
    mediaType,
    manifests: manifests.map((entry, position) => parseDescriptor(entry, `image index.manifests[${position}]`)),
    ...(subject !== undefined && { subject: parseDescriptor(subject, 'image index.subject') }),
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
}
