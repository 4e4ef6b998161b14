import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  type ImageManifest,
  isImageConfig,
  isImageIndex,
  isImageManifest,
  parseImageIndex,
  parseManifest,
  readVerified,
} from '@soci/oci';
import { isSociIndexEntry } from '../inspect/soci-document.ts';
import { ANNOTATION_INDEX_DIGEST, MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '../vocabulary.ts';
import type { ImageSkipReason } from './result.ts';

/** Kind of a manifest: an image to index, or other content and why it is skipped. */
export type ContentKind =
  | { readonly outcome: 'image' }
  | { readonly outcome: 'skipped'; readonly reason: Exclude<ImageSkipReason, 'tag-moved'>; readonly message: string };

/** Media type of the layer of a signature. @see sigstore/cosign, specs/SIGNATURE_SPEC.md */
const SIGNATURE_LAYERS: ReadonlySet<string> = new Set(['application/vnd.dev.cosign.simplesigning.v1+json']);

/** Media types of the layers of attestations. @see in-toto/attestation, spec/v1; docs.docker.com/build/metadata/attestations */
const ATTESTATION_LAYERS: ReadonlySet<string> = new Set([
  'application/vnd.in-toto+json',
  'application/vnd.dsse.envelope.v1+json',
  'application/vnd.dev.sigstore.bundle.v0.3+json',
]);

/**
 * Reads a manifest and returns whether it is an image to index. The media type is not sufficient: a cosign signature and
 * the manifests of a SOCI-enabled image have the media type of an image.
 *
 * @throws OciError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`, `DIGEST_MISMATCH`; what the store throws.
 */
export async function classifyContent(
  store: Fetcher,
  content: Descriptor,
  call: CallOptions = {},
): Promise<ContentKind> {
  const { mediaType } = content;
  if (isImageIndex(mediaType)) {
    const { manifests } = parseImageIndex(await readVerified(store, content, call), content);
    const isEnabled = manifests.some(isSociIndexEntry);
    return isEnabled ? skipped('soci-enabled', 'it is already a SOCI-enabled image') : { outcome: 'image' };
  }
  if (!isImageManifest(mediaType)) {
    return skipped('not-an-image', `its media type ${mediaType} is not that of an image`);
  }
  return classifyManifest(parseManifest(await readVerified(store, content, call), content));
}

function classifyManifest({ config, layers, annotations }: ImageManifest): ContentKind {
  const { mediaType } = config;
  if (mediaType === MEDIA_TYPE_SOCI_INDEX_V1 || mediaType === MEDIA_TYPE_SOCI_INDEX_V2)
    return skipped('soci-index', 'it is a SOCI index');
  // Check this before the type of the configuration: cosign signatures have the configuration type of an image.
  if (layers.some((layer) => SIGNATURE_LAYERS.has(layer.mediaType))) return skipped('signature', 'it is a signature');
  if (layers.some((layer) => ATTESTATION_LAYERS.has(layer.mediaType)))
    return skipped('attestation', 'it is an attestation of an image');
  if (!isImageConfig(mediaType)) return skipped('not-an-image', `it is an artifact of type ${mediaType}`);
  const index = annotations?.[ANNOTATION_INDEX_DIGEST];
  if (index === undefined) return { outcome: 'image' };
  return skipped('soci-enabled', `it is a manifest of a SOCI-enabled image, with the SOCI index ${index}`);
}

function skipped(reason: Exclude<ImageSkipReason, 'tag-moved'>, message: string): ContentKind {
  return { outcome: 'skipped', reason, message };
}
