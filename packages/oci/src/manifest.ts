import { type Descriptor, parseDescriptor } from './descriptor.ts';
import { field, listField, optionalMediaType, optionalStringMap, parseDocument } from './document.ts';
import { OciError } from './errors.ts';
import { MAX_LAYERS, type OciLimits } from './limits.ts';
import { checkManifestKind } from './manifest-kind.ts';
import { MEDIA_TYPE_OCI_IMAGE_MANIFEST } from './media-types.ts';

/**
 * An image manifest, OCI or Docker schema 2: one image for one platform, or an artifact in that shape.
 *
 * @see OCI image-spec v1.1, manifest.md
 */
export interface ImageManifest {
  /** The bytes it was parsed from. They, not a re-serialization, are what its digest is of; unknown fields live on here. */
  readonly raw: Uint8Array;
  /** What it says, else what its descriptor says, else OCI's. */
  readonly mediaType: string;
  /** The image's configuration, or what an artifact has in its place. */
  readonly config: Descriptor;
  /** In order of application, the base first. */
  readonly layers: readonly Descriptor[];
  /** The manifest that this one is about. */
  readonly subject?: Descriptor;
  /** Type of the artifact, where it is one and says so. */
  readonly artifactType?: string;
  /** What somebody wrote into it, by key. */
  readonly annotations?: Readonly<Record<string, string>>;
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
  const mediaType = checkManifestKind(document, 'manifest', descriptor?.mediaType) ?? MEDIA_TYPE_OCI_IMAGE_MANIFEST;
  if (field(document, 'config') === undefined) {
    throw new OciError('MANIFEST_INVALID', 'manifest.config is missing: a manifest names its configuration');
  }
  const layers = listField(document, 'layers', 'manifest', limits.maxLayers ?? MAX_LAYERS);
  const subject = field(document, 'subject');
  const artifactType = optionalMediaType(document, 'artifactType', 'manifest');
  const annotations = optionalStringMap(document, 'annotations', 'manifest');
  return {
    raw: bytes,
    mediaType,
    config: parseDescriptor(document.config, 'manifest.config'),
    layers: layers.map((layer, position) => parseDescriptor(layer, `manifest.layers[${position}]`)),
    ...(subject !== undefined && { subject: parseDescriptor(subject, 'manifest.subject') }),
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
}
