export { type IndexingOptions, SociIndexVersion, SociRecompression } from './indexing-options';
export { type SociGarbageCollection, SociImagesInUse } from './registry-jobs/garbage-collection';
export { SociRegistryJobs } from './registry-jobs/soci-registry-jobs';
export type { SociRegistryJobsProps } from './registry-jobs/soci-registry-jobs-props';
export { SociIndexBuilder } from './soci-index-builder';
export type { SociIndexBuilderProps } from './soci-index-builder-props';
export { SociIndexedImage } from './soci-indexed-image';
export type { SociIndexedImageOptions, SociIndexedImageProps } from './soci-indexed-image-props';
