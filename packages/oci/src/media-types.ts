/** OCI image manifest. @see OCI image-spec v1.1, media-types.md */
export const MEDIA_TYPE_OCI_IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** OCI image index. */
export const MEDIA_TYPE_OCI_IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';
/** OCI image configuration. */
export const MEDIA_TYPE_OCI_IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json';
/** OCI layer, uncompressed tar. */
export const MEDIA_TYPE_OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
/** OCI layer, gzip-compressed tar. */
export const MEDIA_TYPE_OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** OCI layer, zstd-compressed tar. */
export const MEDIA_TYPE_OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
/** OCI layer that must not be redistributed, uncompressed tar. Deprecated by the specification. */
export const MEDIA_TYPE_OCI_LAYER_NONDISTRIBUTABLE = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
/** The two bytes `{}`, used as configuration of an artifact without one. */
export const MEDIA_TYPE_OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

/** Docker image manifest, schema 2. @see distribution/docs/spec/manifest-v2-2 */
export const MEDIA_TYPE_DOCKER_IMAGE_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
/** Docker manifest list: Docker's image index. */
export const MEDIA_TYPE_DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Docker image configuration. */
export const MEDIA_TYPE_DOCKER_IMAGE_CONFIG = 'application/vnd.docker.container.image.v1+json';
/** Docker layer, tar. Some tools also use this type for compressed layers. */
export const MEDIA_TYPE_DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
/** Docker layer, gzip-compressed tar. */
export const MEDIA_TYPE_DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
/** Docker layer, zstd-compressed tar. */
export const MEDIA_TYPE_DOCKER_LAYER_ZSTD = 'application/vnd.docker.image.rootfs.diff.tar.zstd';
/** Docker layer at another location, tar. */
export const MEDIA_TYPE_DOCKER_LAYER_FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar';
/** Docker layer at another location, gzip-compressed tar. */
export const MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

/**
 * Compression of a layer according to its media type:
 *
 * - `gzip`, `zstd`, `uncompressed`: as named by the media type.
 * - `unknown`: a Docker type without a suffix, which is also used for compressed layers. Inspect the bytes.
 * - `unsupported`: a wrapped layer (`+encrypted`), or a non-distributable layer without a compression suffix.
 * - `unrecognized`: a name in the namespace of OCI layers that no specification defines.
 */
export type LayerCompression = 'gzip' | 'zstd' | 'uncompressed' | 'unknown' | 'unsupported' | 'unrecognized';

/** Reports whether `mediaType` is that of an image manifest, OCI or Docker. */
export function isImageManifest(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_IMAGE_MANIFEST || mediaType === MEDIA_TYPE_DOCKER_IMAGE_MANIFEST;
}

/** Reports whether `mediaType` is that of an image index: an OCI index or a Docker manifest list. */
export function isImageIndex(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_IMAGE_INDEX || mediaType === MEDIA_TYPE_DOCKER_MANIFEST_LIST;
}

/** Reports whether `mediaType` is that of a manifest or an image index, which refer to other content. */
export function isManifestOrIndex(mediaType: string): boolean {
  return isImageManifest(mediaType) || isImageIndex(mediaType);
}

/** Reports whether `mediaType` is that of an image configuration, OCI or Docker. */
export function isImageConfig(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_IMAGE_CONFIG || mediaType === MEDIA_TYPE_DOCKER_IMAGE_CONFIG;
}

/** Reports whether a layer with this media type may be absent from a store. Its `urls` then have its location. */
export function isNonDistributable(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  );
}

/** Reports whether `mediaType` is that of an encrypted layer. @see containers/ocicrypt, spec/spec.go */
export function isEncrypted(mediaType: string): boolean {
  return mediaType.split('+').slice(1).includes('encrypted');
}

/**
 * Returns the compression of a layer, or undefined if `mediaType` is not that of a layer. Follows containerd's
 * `images.IsLayerType` and `images.DiffCompression` (core/images/mediatypes.go, v2.2.9), as used by the reference
 * (soci-snapshotter v0.16.1, soci/soci_index.go, `buildSociLayer`). The reference indexes `gzip`, `uncompressed` and
 * `unknown` (as uncompressed tar), skips `zstd` and `unsupported`, and rejects `unrecognized`.
 */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  const [base = '', ...suffixes] = mediaType.split('+');
  const wrapped = suffixes.length > 0;
  switch (base) {
    case MEDIA_TYPE_DOCKER_LAYER:
    case MEDIA_TYPE_DOCKER_LAYER_FOREIGN:
      return wrapped ? 'unsupported' : 'unknown';
    case MEDIA_TYPE_DOCKER_LAYER_GZIP:
    case MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP:
      return wrapped ? 'unsupported' : 'gzip';
    case MEDIA_TYPE_DOCKER_LAYER_ZSTD:
      return wrapped ? 'unsupported' : 'zstd';
    case MEDIA_TYPE_OCI_LAYER:
    case MEDIA_TYPE_OCI_LAYER_NONDISTRIBUTABLE: {
      // containerd sorts the suffixes and looks at the last: "+gzip+encrypted" counts as gzip.
      const last = suffixes.toSorted().at(-1);
      if (last === 'gzip' || last === 'zstd') return last;
      return mediaType === MEDIA_TYPE_OCI_LAYER ? 'uncompressed' : 'unsupported';
    }
    default:
      return mediaType.startsWith('application/vnd.oci.image.layer.') ? 'unrecognized' : undefined;
  }
}
