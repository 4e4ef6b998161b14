export type { AwsOptions } from './aws-client.ts';
export { type DescribeTaskOptions, describeTask, type EcsContainer, type EcsTask } from './describe-task.ts';
export { type DigestsInUseOptions, digestsInUse } from './digests-in-use.ts';
export { type EcrCatalogOptions, openEcrCatalog, readLifecyclePolicy } from './ecr-catalog.ts';
export { type EcrCredentialsOptions, ecrCredentials, ecrPublicCredentials } from './ecr-credentials.ts';
export { type EcrHost, type EcrPartition, formatEcrHost, parseEcrHost } from './ecr-host.ts';
export {
  type EcrDeletionFailure,
  type EcrImageDescription,
  type EcrImageId,
  type EcrImages,
  type EcrImagesOptions,
  openEcrImages,
} from './ecr-images.ts';
export { type DefaultCredentialsOptions, defaultCredentials, ecrRegistryOptions } from './ecr-registry-options.ts';
export { openVerifiedBlob } from './verified-blob.ts';
