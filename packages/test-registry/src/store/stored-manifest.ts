import { type Descriptor, isImageManifest, listSuccessors, OciError, type Referral, readReferral } from '@soci/oci';

/** A manifest as it was pushed, or as a test put it in: then it may be any bytes. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly pushedAt: Date;
}

/** What a manifest refers to, in its order; nothing where it is none. */
export function listReferences({ mediaType, bytes }: StoredManifest): readonly Descriptor[] {
  return orNone(() => listSuccessors({ mediaType }, bytes)) ?? [];
}

/** What a manifest says about another; undefined where it says nothing, or is none. */
export function referralOf({ mediaType, digest, bytes }: StoredManifest): Referral | undefined {
  return orNone(() => readReferral({ mediaType, digest, size: bytes.length }, bytes));
}

/** Media type of an image's configuration, which says what an artifact is; undefined of an index. */
export function configMediaType(manifest: StoredManifest): string | undefined {
  return isImageManifest(manifest.mediaType) ? listReferences(manifest)[0]?.mediaType : undefined;
}

function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}
