// The media types by which an event tells an image from anything else that a registry holds.

/** What an event's `manifest-media-type` is for images, image indexes, and most artifacts. */
export const IMAGE_MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/**
 * What an event's `artifact-media-type` is for images: the type of a manifest's configuration. Image indexes have none,
 * and their events lack the key.
 */
export const IMAGE_ARTIFACT_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];
