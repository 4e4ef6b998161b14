// The media types by which an event tells an image from anything else that a registry holds.

/** What an event's `manifest-media-type` is with images and image indexes, and with most artifacts too. */
export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/**
 * What an event's `artifact-media-type` is with images: the type of the configuration that their manifest names. SOCI
 * indexes, attestations, Helm charts and the like have another; image indexes have none, and their events lack the key.
 */
export const CONFIG_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];
