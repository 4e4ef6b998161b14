import { createHash } from 'node:crypto';
import { type Descriptor, MEDIA_TYPE_OCI_EMPTY, MEDIA_TYPE_OCI_IMAGE_MANIFEST } from '@soci/oci';
import { type Content, contentOf } from '@soci/test-content';

/** The `{}` that an artifact has as its configuration. */
export const EMPTY: Content = contentOf(MEDIA_TYPE_OCI_EMPTY, '{}');

/** Returns bytes that are different for every name and that do not compress. */
export function noise(name: string, size: number): Uint8Array {
  return createHash('shake256', { outputLength: size }).update(name).digest();
}

/**
 * Makes an artifact like a SOCI index: its type is the media type of its configuration. `subject` is the image it
 * refers to.
 */
export function artifact(name: string, artifactType: string, subject?: Descriptor): Content {
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE_OCI_IMAGE_MANIFEST,
    config: { ...EMPTY.descriptor, mediaType: artifactType },
    layers: [EMPTY.descriptor],
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    annotations: { 'org.example.name': name },
  };
  return contentOf(MEDIA_TYPE_OCI_IMAGE_MANIFEST, manifest);
}
