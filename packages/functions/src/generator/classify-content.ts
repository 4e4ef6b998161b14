import { ANNOTATION_INDEX_DIGEST, MEDIA_TYPE_SOCI_INDEX_V1, MEDIA_TYPE_SOCI_INDEX_V2 } from '@soci/index';
import {
  type CallOptions,
  type Descriptor,
  type Fetcher,
  type ImageManifest,
  isImageConfig,
  isImageIndex,
  isImageManifest,
  OciError,
  parseImageIndex,
  parseManifest,
  type Resolver,
  readVerified,
} from '@soci/oci';
import { type Skipped, skipped } from './outcome.ts';

/** What a digest has turned out to be. */
export type Content = { readonly outcome: 'image'; readonly image: Descriptor } | Skipped;

/** Types of a signature's only layer. @see sigstore/cosign, specs/SIGNATURE_SPEC.md */
const SIGNATURE_LAYERS: ReadonlySet<string> = new Set(['application/vnd.dev.cosign.simplesigning.v1+json']);

/** Types of what is said about an image. @see in-toto/attestation, spec/v1; docs.docker.com/build/metadata/attestations */
const ATTESTATION_LAYERS: ReadonlySet<string> = new Set([
  'application/vnd.in-toto+json',
  'application/vnd.dsse.envelope.v1+json',
  'application/vnd.dev.sigstore.bundle.v0.3+json',
]);

/**
 * Reads the manifest of what was pushed, and tells whether it is an image. An event says little of that: a signature of
 * cosign has the media types of an image, and so have the manifests that a conversion writes.
 *
 * @throws OciError `MANIFEST_INVALID`, `LIMIT_EXCEEDED`, `DIGEST_MISMATCH`; what the repository throws.
 */
export async function classifyContent(
  repository: Resolver & Fetcher,
  digest: string,
  call: CallOptions,
): Promise<Content> {
  let descriptor: Descriptor;
  try {
    descriptor = await repository.resolve(digest, call);
  } catch (error) {
    if (!(error instanceof OciError && error.code === 'NOT_FOUND')) throw error;
    return skipped('gone', `there is no ${digest} any more: it was deleted after it was pushed`);
  }
  const raw = await readVerified(repository, descriptor, call);
  if (isImageIndex(descriptor.mediaType)) {
    const { manifests } = parseImageIndex(raw, descriptor);
    const lists = manifests.some(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V2);
    return lists
      ? skipped('soci-enabled', 'it is a SOCI-enabled image already')
      : { outcome: 'image', image: descriptor };
  }
  if (!isImageManifest(descriptor.mediaType)) {
    return skipped('not-an-image', `its media type, ${descriptor.mediaType}, is no image's`);
  }
  return classifyManifest(parseManifest(raw, descriptor)) ?? { outcome: 'image', image: descriptor };
}

/** Why a manifest is no image to be indexed; undefined where it is one. */
function classifyManifest({ config, layers, annotations }: ImageManifest): Skipped | undefined {
  const { mediaType } = config;
  if (mediaType === MEDIA_TYPE_SOCI_INDEX_V1 || mediaType === MEDIA_TYPE_SOCI_INDEX_V2)
    return skipped('soci-index', 'it is a SOCI index');
  // Before the type of the configuration: cosign gives its signatures that of an image.
  if (layers.some((layer) => SIGNATURE_LAYERS.has(layer.mediaType))) return skipped('signature', 'it is a signature');
  if (layers.some((layer) => ATTESTATION_LAYERS.has(layer.mediaType))) {
    return skipped('attestation', 'it is an attestation about an image');
  }
  if (!isImageConfig(mediaType)) return skipped('not-an-image', `it is an artifact of the type ${mediaType}`);
  if (annotations?.[ANNOTATION_INDEX_DIGEST] !== undefined) {
    return skipped(
      'soci-enabled',
      `it is the image of a conversion, with the SOCI index ${annotations[ANNOTATION_INDEX_DIGEST]}`,
    );
  }
  return layers.length === 0 ? skipped('no-layers', 'it has no layers') : undefined;
}
