export { type AnalyzeOptions, analyzeImage } from './analyze/analyze-image.ts';
export type { ImageAnalysis, LayerAnalysis, LayerContent } from './analyze/image-analysis.ts';
export { type BuiltIndexes, buildSociIndex, type NothingToIndex, type SociIndexResult } from './convert/build-index.ts';
export { type ConvertedImage, type ConvertResult, convertImage } from './convert/convert-image.ts';
export { settingsDigest } from './convert/provenance.ts';
export type {
  IndexedLayer,
  LayerReport,
  PlatformReport,
  PrefetchReport,
  SkippedLayer,
  StartReport,
} from './convert/report.ts';
export type { Artifact, ArtifactKind } from './convert/soci-manifest.ts';
export { SociIndexError, type SociIndexErrorCode } from './errors.ts';
export type {
  ImageDirectoryItem,
  ImageFile,
  ImageFilesystem,
  ImageLayer,
  UnreadableLayer,
} from './filesystem/image-filesystem.ts';
export { type ImageFilesystemOptions, openImageFilesystem } from './filesystem/open-image-filesystem.ts';
export {
  type ImageEntry,
  type ImageInspection,
  type ImageManifestEntry,
  type InspectOptions,
  inspectImage,
  type OtherEntry,
  readPlatform,
  type SociIndexEntry,
} from './inspect/inspect-image.ts';
export { findZtoc, type PrefetchReference, type SociDocument, type ZtocReference } from './inspect/soci-document.ts';
export type { SkipReason } from './layers/layer-plan.ts';
export {
  fetchRecompressed,
  type RecompressedLayer,
  type RecompressionSource,
} from './layers/recompress-layer.ts';
export {
  type CompleteZtoc,
  DEFAULT_MIN_LAYER_SIZE,
  type GuidedZtoc,
  type GuidedZtocSettings,
  type IndexLimits,
  type Optimization,
  type RecompressibleFormat,
  type ReusableLayer,
  type SociIndexOptions,
  type ZtocSettings,
  type ZtocSource,
  type ZtocStorage,
} from './options.ts';
export type { PredictionLimit, PredictionLimits } from './predict/limits.ts';
export {
  type PredictedProfile,
  type PredictOptions,
  predictProfile,
} from './predict/predict-profile.ts';
export type { PredictedFile, PredictionReason } from './predict/prediction.ts';
export { readStartConfig, type StartConfig } from './predict/start-config.ts';
export { findStoredProfile, type ProfileSource, type StoredProfile } from './profile/find-stored-profile.ts';
export { encodeProfile, parseProfile } from './profile/parse-profile.ts';
export { type ProfileTarget, type PushedProfile, pushProfile } from './profile/push-profile.ts';
export {
  MAX_PROFILE_SIZE,
  type ProfileFile,
  type ProfileOrigin,
  type StartProfile,
} from './profile/start-profile.ts';
export type { IndexProgress, LayerProgress, ZtocRefusal } from './progress.ts';
export { type ContentKind, classifyContent } from './publish/classify-content.ts';
export { indexImage } from './publish/index-image.ts';
export type {
  IndexImageOptions,
  IndexSource,
  IndexTarget,
  Proof,
  PublishProgress,
  SourceStore,
  TargetStore,
} from './publish/options.ts';
export type {
  ImageAlreadyIndexed,
  ImageIndexed,
  ImageRefusalReason,
  ImageRefused,
  ImageSkipped,
  ImageSkipReason,
  IndexImageResult,
  NothingIndexed,
  ProofReport,
  PublishedIndex,
  UsedProfile,
} from './publish/result.ts';
export { settingsDigestsIn } from './publish/use-profile.ts';
export type {
  NotRecognized,
  NotRecognizedReason,
  Recognition,
  Recognized,
  RecognizeOptions,
} from './recognize/recognition.ts';
export { recognizeConversion } from './recognize/recognize-conversion.ts';
export { recognizeIndexes } from './recognize/recognize-indexes.ts';
export type { SkippedCandidate } from './reuse/reusable-ztocs.ts';
export type { Problem, ProblemCode } from './verify/problem.ts';
export {
  type IndexVerification,
  type LayerVerification,
  type VerifyOptions,
  type VerifyProgress,
  type VerifyReport,
  verifySociIndex,
} from './verify/verify-index.ts';
export type { LayerReadBack } from './verify/verify-layer.ts';
export {
  ANNOTATION_BUILD_TOOL_IDENTIFIER,
  ANNOTATION_DISABLE_XATTRS,
  ANNOTATION_IMAGE_MANIFEST_DIGEST,
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_LAYER_DIGEST,
  ANNOTATION_LAYER_MEDIA_TYPE,
  ANNOTATION_READS_DIGEST,
  ANNOTATION_SCHEMA_VERSION,
  ANNOTATION_SETTINGS_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  ANNOTATION_SPAN_SIZE,
  ANNOTATION_TOOL_VERSION,
  MEDIA_TYPE_PREFETCH,
  MEDIA_TYPE_PROFILE,
  MEDIA_TYPE_PROFILE_ANCHOR,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
  MEDIA_TYPE_ZTOC,
  PROFILE_TAG,
} from './vocabulary.ts';
export { findLayerWarnings, type LayerWarningOptions } from './warnings/find-layer-warnings.ts';
export {
  compareWarnings,
  type LayerWarning,
  type LayerWarningCode,
  toLayerWarnings,
} from './warnings/layer-warning.ts';
