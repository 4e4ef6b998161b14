/** OCI image manifest. @see OCI image-spec v1.1, media-types.md */
export const MEDIA_TYPE_OCI_IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** OCI image index. */
export const MEDIA_TYPE_OCI_IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';
/** OCI image configuration. */
export const MEDIA_TYPE_OCI_IMAGE_CONFIG = 'application/vnd.oci.image.config.v1+json';
/** OCI layer, a tar that is not compressed. */
export const MEDIA_TYPE_OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
/** OCI layer, a tar in gzip. */
export const MEDIA_TYPE_OCI_LAYER_GZIP = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** OCI layer, a tar in zstd. */
export const MEDIA_TYPE_OCI_LAYER_ZSTD = 'application/vnd.oci.image.layer.v1.tar+zstd';
/** OCI layer that may not be redistributed, a tar that is not compressed (deprecated by the specification). */
export const MEDIA_TYPE_OCI_LAYER_NONDISTRIBUTABLE = 'application/vnd.oci.image.layer.nondistributable.v1.tar';
/** The two bytes `{}` where an artifact has no configuration. */
export const MEDIA_TYPE_OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

/** Docker image manifest, schema 2. @see distribution/docs/spec/manifest-v2-2 */
export const MEDIA_TYPE_DOCKER_IMAGE_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
/** Docker manifest list: Docker's image index. */
export const MEDIA_TYPE_DOCKER_MANIFEST_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
/** Docker image configuration. */
export const MEDIA_TYPE_DOCKER_IMAGE_CONFIG = 'application/vnd.docker.container.image.v1+json';
/** Docker layer, a tar; tools are known to put compressed ones under this type too. */
export const MEDIA_TYPE_DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
/** Docker layer, a tar in gzip. */
export const MEDIA_TYPE_DOCKER_LAYER_GZIP = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
/** Docker layer, a tar in zstd. */
export const MEDIA_TYPE_DOCKER_LAYER_ZSTD = 'application/vnd.docker.image.rootfs.diff.tar.zstd';
/** Docker layer that is fetched from elsewhere, a tar. */
export const MEDIA_TYPE_DOCKER_LAYER_FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar';
/** Docker layer that is fetched from elsewhere, a tar in gzip. */
export const MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';

/**
 * How a layer is compressed, as far as its media type tells:
 *
 * - `gzip`, `zstd`, `uncompressed`: the type says so;
 * - `unknown`: Docker's types without a suffix, under which compressed layers are found too: only the bytes tell;
 * - `unsupported`: a layer in a wrapping (`+encrypted`), or a non-distributable one that names no compression;
 * - `unrecognized`: a name in the space of OCI layers which no specification defines.
 */
export type LayerCompression = 'gzip' | 'zstd' | 'uncompressed' | 'unknown' | 'unsupported' | 'unrecognized';

/** Whether `mediaType` is an image manifest's, OCI or Docker. */
export function isImageManifest(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_IMAGE_MANIFEST || mediaType === MEDIA_TYPE_DOCKER_IMAGE_MANIFEST;
}

/** Whether `mediaType` is an image index's: an OCI index or a Docker manifest list. */
export function isImageIndex(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_IMAGE_INDEX || mediaType === MEDIA_TYPE_DOCKER_MANIFEST_LIST;
}

/** Whether `mediaType` is a manifest's or an image index's: content of that type leads to other content. */
export function isManifestOrIndex(mediaType: string): boolean {
  return isImageManifest(mediaType) || isImageIndex(mediaType);
}

/** Whether `mediaType` is an image configuration's, OCI or Docker. */
export function isImageConfig(mediaType: string): boolean {
  return mediaType === MEDIA_TYPE_OCI_IMAGE_CONFIG || mediaType === MEDIA_TYPE_DOCKER_IMAGE_CONFIG;
}

/** Whether a layer of this type may be missing from a store, its `urls` saying where it is to be had. */
export function isNonDistributable(mediaType: string): boolean {
  return (
    mediaType.startsWith('application/vnd.oci.image.layer.nondistributable.') ||
    mediaType.startsWith('application/vnd.docker.image.rootfs.foreign.')
  );
}

/**
 * How a layer of this media type is compressed, or undefined if that is no layer's type.
 * Follows containerd's `images.IsLayerType` and `images.DiffCompression` (core/images/mediatypes.go, v2.2.9), and the
 * reference's reading of their answers (soci-snapshotter v0.16.1, soci/soci_index.go, `buildSociLayer`): it indexes
 * `gzip`, `uncompressed` and `unknown` (as a plain tar), skips `zstd` and `unsupported`, refuses `unrecognized`.
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
