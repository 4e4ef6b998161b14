import type { Descriptor } from './descriptor.ts';
import { digestOf } from './digest.ts';
import { field, type JsonObject, optionalMediaType, parseDocument, showValue } from './document.ts';
import { OciError } from './errors.ts';
import {
  isImageIndex,
  isImageManifest,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
} from './media-types.ts';

/** The two kinds of document that lead to others. */
export type ManifestKind = 'manifest' | 'image index';

/**
 * Checks that `document` is of the kind it is taken for, and nothing else at the same time: the same bytes read as a
 * manifest here and as an index there would be two images under one digest.
 *
 * @returns Its media type, by its own word or its descriptor's; undefined where neither says.
 * @throws OciError `MANIFEST_INVALID`
 * @see CVE-2021-41190; containerd v2.2.9, core/images/image.go, `validateMediaType`
 */
export function checkManifestKind(
  document: JsonObject,
  kind: ManifestKind,
  described: string | undefined,
): string | undefined {
  if (field(document, 'fsLayers') !== undefined || field(document, 'schemaVersion') === 1) {
    throw new OciError(
      'MANIFEST_INVALID',
      'Docker schema 1 manifests are not supported: pull and push the image with a current Docker or skopeo to renew it',
    );
  }
  if (field(document, 'schemaVersion') !== 2) {
    throw new OciError(
      'MANIFEST_INVALID',
      `${kind}.schemaVersion must be 2, found ${showValue(field(document, 'schemaVersion'))}`,
    );
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

/**
 * Makes the descriptor of a manifest or image index that comes without one, from its own media type or, where it names
 * none, from its shape.
 *
 * @throws OciError `MANIFEST_INVALID` where the bytes are neither; `LIMIT_EXCEEDED`.
 */
export function describeManifest(bytes: Uint8Array, maxSize?: number): Descriptor {
  const document = parseDocument(bytes, 'manifest', maxSize);
  const own = optionalMediaType(document, 'mediaType', 'manifest');
  const index = own === undefined ? field(document, 'manifests') !== undefined : isImageIndex(own);
  const mediaType = checkManifestKind(document, index ? 'image index' : 'manifest', undefined);
  return {
    mediaType: mediaType ?? (index ? MEDIA_TYPE_OCI_IMAGE_INDEX : MEDIA_TYPE_OCI_IMAGE_MANIFEST),
    digest: digestOf(bytes),
    size: bytes.length,
  };
}
