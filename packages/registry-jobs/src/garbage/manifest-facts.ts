import {
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  MEDIA_TYPE_PROFILE,
  MEDIA_TYPE_PROFILE_ANCHOR,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
} from '@soci/index';
import {
  type Descriptor,
  isDigest,
  isImageIndex,
  isImageManifest,
  type ListedManifest,
  OciError,
  parseImageIndex,
  parseManifest,
} from '@soci/oci';

/**
 * What a manifest is:
 *
 * - `soci-image`: an image index that lists SOCI indexes of version 2.
 * - `index`: any other image index, such as a list of referrers.
 * - `soci-index-v1`: a SOCI index that refers to an image.
 * - `soci-index-v2`: a SOCI index that a SOCI-enabled image lists.
 * - `converted`: an image manifest that names its SOCI index.
 * - `profile`: a stored profile, or the manifest that stored profiles refer to.
 * - `other`: anything else.
 */
export type ManifestKind =
  | 'soci-image'
  | 'index'
  | 'soci-index-v1'
  | 'soci-index-v2'
  | 'converted'
  | 'profile'
  | 'other';

/** What the content of a manifest says. It never changes, because the digest covers the content. */
export interface ManifestFacts {
  readonly kind: ManifestKind;
  /** Digests of the manifests that an image index lists. */
  readonly lists: readonly string[];
  /** Digest of the SOCI index that a converted manifest names. */
  readonly sociIndex?: string;
  /** Digest of the manifest that this one refers to. */
  readonly subject?: string;
  /** Digest of the configuration. Docker shows it as the ID of the image. */
  readonly config?: string;
  /** Digest of the image that a SOCI-enabled image was converted from, or that a SOCI index of version 1 belongs to. */
  readonly source?: string;
  /** On an image index with entries that are all SOCI indexes of version 1: whether all of them have provenance annotations. */
  readonly referrersAreMarked?: boolean;
  /** Whether the manifest could not be parsed, so that what it lists is unknown. */
  readonly isUnreadable?: boolean;
}

/** Reads what the garbage plan needs from a manifest. Invalid content is not an error: see {@link ManifestFacts.isUnreadable}. */
export function readManifestFacts({ mediaType, content }: ListedManifest): ManifestFacts {
  try {
    if (isImageIndex(mediaType)) return readIndexFacts(content, mediaType);
    if (isImageManifest(mediaType)) return readImageFacts(content, mediaType);
    return { kind: 'other', lists: [] };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    return { kind: 'other', lists: [], isUnreadable: true };
  }
}

function readIndexFacts(content: Uint8Array, mediaType: string): ManifestFacts {
  const { manifests, subject, annotations } = parseImageIndex(content, { mediaType });
  const isSociImage = manifests.some(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V2);
  const isReferrersList =
    manifests.length > 0 && manifests.every(({ artifactType }) => artifactType === MEDIA_TYPE_SOCI_INDEX_V1);
  return {
    kind: isSociImage ? 'soci-image' : 'index',
    lists: [...new Set(manifests.map(({ digest }) => digest))],
    ...(subject && { subject: subject.digest }),
    ...(isSociImage && readSource(annotations)),
    ...(isReferrersList && {
      referrersAreMarked: manifests.every((entry) => 'source' in readSource(entry.annotations)),
    }),
  };
}

function readImageFacts(content: Uint8Array, mediaType: string): ManifestFacts {
  const { config, subject, artifactType = config.mediaType, annotations } = parseManifest(content, { mediaType });
  const sociIndex = annotations?.[ANNOTATION_INDEX_DIGEST];
  const kind = KINDS.get(artifactType) ?? (sociIndex === undefined ? 'other' : 'converted');
  return {
    kind,
    lists: [],
    config: config.digest,
    ...(subject && { subject: subject.digest }),
    ...(kind === 'converted' && sociIndex !== undefined && { sociIndex }),
    ...(kind === 'soci-index-v1' && readSource(annotations)),
  };
}

const KINDS: ReadonlyMap<string, ManifestKind> = new Map([
  [MEDIA_TYPE_SOCI_INDEX_V1, 'soci-index-v1'],
  [MEDIA_TYPE_SOCI_INDEX_V2, 'soci-index-v2'],
  [MEDIA_TYPE_PROFILE, 'profile'],
  [MEDIA_TYPE_PROFILE_ANCHOR, 'profile'],
]);

/** Returns the source digest of the provenance annotations. An invalid digest marks nothing. */
function readSource(annotations: Descriptor['annotations']): Pick<ManifestFacts, 'source'> {
  const source = annotations?.[ANNOTATION_SOURCE_DIGEST];
  return source !== undefined && isDigest(source) ? { source } : {};
}
