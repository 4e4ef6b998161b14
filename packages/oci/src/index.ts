export {
  type BlobImporter,
  type BlobLocator,
  type ByteRange,
  type CallOptions,
  checkRange,
  type Fetcher,
  type FetchOptions,
  type ImageWriter,
  type ManifestPusher,
  type Mounter,
  type Prober,
  type PushContent,
  type Pusher,
  type RangeFetcher,
  type RangeOptions,
  type ReferrerLister,
  type RepositoryLocation,
  type Resolver,
  type RootAdder,
  type StreamPusher,
  type Tagger,
  type TagLister,
} from './content.ts';
export { type CopyOptions, type CopyProgress, type CopyResult, copyImage } from './copy.ts';
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
export { escapeJson, escapeText, quoteText } from './escape-text.ts';
export { type ImageConfig, parseImageConfig } from './image-config.ts';
export type { OciLimits } from './limits.ts';
export type { DeletionFailure, ListedImage, ListedManifest, RegistryCatalog } from './listing.ts';
export {
  describeManifest,
  type ImageIndex,
  type ImageManifest,
  parseImageIndex,
  parseManifest,
  type Referral,
  readReferral,
} from './manifest.ts';
export {
  isEncrypted,
  isImageConfig,
  isImageIndex,
  isImageManifest,
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
export { PrintableError, printableStack } from './printable-error.ts';
export { type ReadOptions, readAgainIfDamaged, readVerified, verifyStream } from './read.ts';
export { formatReference, isTag, parseReference, type Reference } from './reference.ts';
export { type ContentNode, listSuccessors, type WalkOptions, walkContent } from './walk.ts';
