import type { Descriptor } from './descriptor.ts';
import { parseImageIndex } from './image-index.ts';
import type { OciLimits } from './limits.ts';
import { parseManifest } from './manifest.ts';
import { isImageIndex, isImageManifest } from './media-types.ts';

/** What a manifest says about another. */
export interface Referral {
  /** Digest of the manifest that it is about. */
  readonly subject: string;
  /** Its own descriptor, with artifact type and annotations filled in from its content. */
  readonly referrer: Descriptor;
}

/**
 * Reads out of a manifest or image index what it is about, as the referrers API would list it: the artifact type is the
 * manifest's own, else the media type of its configuration. Undefined where it has no subject, or is a blob.
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
