export type { CredentialProvider, CredentialQuery, Credentials } from './credentials/credentials.ts';
export { RegistryError, type RegistryErrorCode, type RegistryErrorOptions, type RegistryRefusal } from './errors.ts';
export type { PushManifestOptions } from './registry/put-manifest.ts';
export { openRegistry, type Registry } from './registry/registry.ts';
export type { RegistryOptions, RequestEvent } from './registry/registry-options.ts';
export type { Repository } from './registry/repository.ts';
export { openVerifiedBlob, type VerifiedBlobOptions } from './registry/verified-blob.ts';
export type { RetryOptions } from './transport/retry.ts';
