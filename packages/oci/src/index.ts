export { checkRange } from './byte-range.ts';
export type {
  ByteRange,
  CallOptions,
  Fetcher,
  FetchOptions,
  Mounter,
  Prober,
  Pusher,
  RangeFetcher,
  ReferrerLister,
  Resolver,
  Tagger,
  TagLister,
} from './content.ts';
export { type CopyOptions, type CopyProgress, type CopyResult, copyImage, DEFAULT_COPY_CONCURRENCY } from './copy.ts';
export { bareDescriptor, type Descriptor, parseDescriptor } from './descriptor.ts';
export {
  createDigester,
  type Digest,
  type DigestAlgorithm,
  type Digester,
  digestOf,
  isDigest,
  parseDigest,
} from './digest.ts';
export { OciError, type OciErrorCode } from './errors.ts';
export { type ImageConfig, parseImageConfig } from './image-config.ts';
export { type ImageIndex, parseImageIndex } from './image-index.ts';
export { MAX_DEPTH, MAX_LAYERS, MAX_MANIFEST_SIZE, MAX_MANIFESTS, MAX_NODES, type OciLimits } from './limits.ts';
export { type ImageManifest, parseManifest } from './manifest.ts';
export { describeManifest } from './manifest-kind.ts';
export {
  isDockerType,
  isImageConfig,
  isImageIndex,
  isImageManifest,
  isLayer,
  isManifestOrIndex,
  isNonDistributable,
  type LayerCompression,
  layerCompression,
  MEDIA_TYPE_DOCKER_IMAGE_CONFIG,
  MEDIA_TYPE_DOCKER_IMAGE_MANIFEST,
  MEDIA_TYPE_DOCKER_LAYER,
  MEDIA_TYPE_DOCKER_LAYER_FOREIGN,
  MEDIA_TYPE_DOCKER_LAYER_FOREIGN_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_GZIP,
  MEDIA_TYPE_DOCKER_LAYER_ZSTD,
  MEDIA_TYPE_DOCKER_MANIFEST_LIST,
  MEDIA_TYPE_OCI_EMPTY,
  MEDIA_TYPE_OCI_IMAGE_CONFIG,
  MEDIA_TYPE_OCI_IMAGE_INDEX,
  MEDIA_TYPE_OCI_IMAGE_MANIFEST,
  MEDIA_TYPE_OCI_LAYER,
  MEDIA_TYPE_OCI_LAYER_GZIP,
  MEDIA_TYPE_OCI_LAYER_NONDISTRIBUTABLE,
  MEDIA_TYPE_OCI_LAYER_ZSTD,
} from './media-types.ts';
export { OverlayStore } from './overlay.ts';
export { formatPlatform, normalizePlatform, type Platform, parsePlatform, platformMatches } from './platform.ts';
export { type ReadOptions, readVerified, verifyStream } from './read.ts';
export {
  formatReference,
  isTag,
  MAX_REFERENCE_LENGTH,
  MAX_REPOSITORY_LENGTH,
  parseReference,
  type Reference,
} from './reference.ts';
export { type Referral, readReferral } from './referrer.ts';
export { type ContentNode, listSuccessors, type WalkOptions, walkContent } from './walk.ts';
