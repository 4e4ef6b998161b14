export type { AwsOptions } from './credentials/aws-client-options.ts';
export type {
  CredentialProvider,
  CredentialQuery,
  Credentials,
  IdentityToken,
  PasswordCredentials,
  RegistryToken,
} from './credentials/credentials.ts';
export { type DefaultCredentialsOptions, defaultCredentials } from './credentials/default-credentials.ts';
export { type DockerCredentialsOptions, dockerCredentials } from './credentials/docker-credentials.ts';
export { type EcrCredentialsOptions, ecrCredentials } from './credentials/ecr-credentials.ts';
export { type EcrHost, type EcrPartition, formatEcrHost, parseEcrHost } from './credentials/ecr-host.ts';
export { ecrPublicCredentials } from './credentials/ecr-public-credentials.ts';
export { staticCredentials } from './credentials/static-credentials.ts';
export { RegistryError, type RegistryErrorCode, type RegistryErrorOptions, type RegistryRefusal } from './errors.ts';
export {
  type EcrDeletionFailure,
  type EcrImageId,
  type EcrImages,
  type EcrImagesOptions,
  openEcrImages,
} from './images/ecr-images.ts';
export { openVerifiedBlob, type VerifiedBlobOptions } from './registry/blobs/verified-blob.ts';
export type { PushManifestOptions } from './registry/manifests/put-manifest.ts';
export { openRegistry, type Registry } from './registry/registry.ts';
export type { RegistryOptions, RequestEvent } from './registry/registry-options.ts';
export type { Repository } from './registry/repository.ts';
export type { RetryOptions } from './transport/retry.ts';
