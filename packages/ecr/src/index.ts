export type { AwsOptions } from './aws-client-options.ts';
export { type DefaultCredentialsOptions, defaultCredentials } from './default-credentials.ts';
export { type EcrCredentialsOptions, ecrCredentials } from './ecr-credentials.ts';
export { type EcrHost, type EcrPartition, formatEcrHost, parseEcrHost } from './ecr-host.ts';
export {
  type EcrDeletionFailure,
  type EcrImageId,
  type EcrImages,
  type EcrImagesOptions,
  openEcrImages,
} from './ecr-images.ts';
export { ecrPublicCredentials } from './ecr-public-credentials.ts';
export { ecrRegistryOptions } from './ecr-registry-options.ts';
export { openVerifiedBlob, type VerifiedBlobOptions } from './verified-blob.ts';
