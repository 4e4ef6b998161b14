import { type Descriptor, isImageManifest, listSuccessors, OciError, type Referral, readReferral } from '@soci/oci';

/** A manifest. If a test stored it, it may contain any bytes. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly pushedAt: Date;
}

/** Returns the descriptors in a manifest, in order; empty if it is invalid. */
export function listReferences({ mediaType, bytes }: StoredManifest): readonly Descriptor[] {
  return undefinedIfInvalid(() => listSuccessors({ mediaType }, bytes)) ?? [];
}

/** Returns the referral of a manifest with a subject; undefined if it has none or is invalid. */
export function referralOf({ mediaType, digest, bytes }: StoredManifest): Referral | undefined {
  return undefinedIfInvalid(() => readReferral({ mediaType, digest, size: bytes.length }, bytes));
}

/** Returns the media type of the config of an image; undefined for an index. */
export function configMediaType(manifest: StoredManifest): string | undefined {
  return isImageManifest(manifest.mediaType) ? listReferences(manifest)[0]?.mediaType : undefined;
}

function undefinedIfInvalid<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}
