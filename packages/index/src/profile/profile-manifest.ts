import {
  bareDescriptor,
  type Descriptor,
  type ImageManifest,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  parseManifest,
} from '@soci/oci';
import { describeContent, EMPTY_CONFIG } from '../describe-content.ts';
import { SociIndexError } from '../errors.ts';
import { MEDIA_TYPE_PROFILE, MEDIA_TYPE_PROFILE_ANCHOR, MEDIA_TYPE_PROFILE_CONTENT } from '../vocabulary.ts';
import { MAX_PROFILE_SIZE } from './start-profile.ts';

// Stored profiles are manifests whose type is the media type of their configuration, as in version 1 SOCI indexes: Amazon ECR
// answers 405 to manifests with `artifactType` (aws/containers-roadmap, issue 2783).

/** Time at which a profile was stored. @see OCI image-spec v1.1, annotations.md */
const ANNOTATION_CREATED = 'org.opencontainers.image.created';

/** Maximum size of the manifest of a stored profile, in bytes. Those of this project have about 700. */
export const MAX_PROFILE_MANIFEST_SIZE = 64 << 10;

/** The last time that RFC 3339 can represent, in milliseconds. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A manifest with its content, leaves first. */
export interface ProfileArtifact {
  readonly manifest: Descriptor;
  readonly raw: Uint8Array;
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly content: Uint8Array }[];
}

/**
 * Returns the manifest that all stored profiles of a repository refer to. It always has the same bytes: clients know its
 * digest, and its tag is pushed only once.
 */
export function profileAnchor(): ProfileArtifact {
  const note = 'The referrers of this manifest are start profiles of the images in this repository.\n';
  return assemble(MEDIA_TYPE_PROFILE_ANCHOR, 'application/octet-stream', new TextEncoder().encode(note), {});
}

/** Returns the manifest of a stored profile. @param created - In milliseconds since 1970. */
export function profileArtifact(content: Uint8Array, created: number): ProfileArtifact {
  const annotations = { [ANNOTATION_CREATED]: new Date(Math.min(created, LAST_TIME)).toISOString() };
  const subject = bareDescriptor(profileAnchor().manifest);
  return assemble(MEDIA_TYPE_PROFILE, MEDIA_TYPE_PROFILE_CONTENT, content, { subject, annotations });
}

function assemble(type: string, contentType: string, content: Uint8Array, more: object): ProfileArtifact {
  const config = describeContent(type, EMPTY_CONFIG);
  const layer = describeContent(contentType, content);
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST, config, layers: [layer], ...more };
  const raw = new TextEncoder().encode(JSON.stringify(manifest));
  return {
    // The artifact type lets readers of a layout distinguish it from an image.
    manifest: { ...describeContent(MEDIA_TYPE_OCI_IMAGE_MANIFEST, raw), artifactType: type },
    raw,
    blobs: [
      { descriptor: config, content: EMPTY_CONFIG },
      { descriptor: layer, content },
    ],
  };
}

/** Returns the time of a stored profile in milliseconds since 1970, or undefined if it has no valid one. */
export function readCreated(annotations: Descriptor['annotations']): number | undefined {
  const text = annotations?.[ANNOTATION_CREATED];
  const time = text !== undefined && RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/**
 * Parses the manifest of a stored profile.
 *
 * @returns The manifest, and the descriptor of the profile.
 * @throws SociIndexError `PROFILE_INVALID`; OciError `MANIFEST_INVALID`
 */
export function parseProfileManifest(raw: Uint8Array, descriptor: Descriptor) {
  const manifest: ImageManifest = parseManifest(raw, descriptor);
  const [content, ...others] = manifest.layers;
  const problem =
    manifest.config.mediaType !== MEDIA_TYPE_PROFILE
      ? `its type is ${manifest.config.mediaType}`
      : content?.mediaType !== MEDIA_TYPE_PROFILE_CONTENT || others.length > 0
        ? 'it has other layers than one profile'
        : content.size > MAX_PROFILE_SIZE
          ? `the profile has ${content.size} bytes, more than the limit of ${MAX_PROFILE_SIZE}`
          : undefined;
  if (problem === undefined && content !== undefined) return { manifest, content };
  throw new SociIndexError('PROFILE_INVALID', `${descriptor.digest} is not a stored profile: ${problem}`, {
    digest: descriptor.digest,
  });
}
