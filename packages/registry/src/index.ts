export { CredentialCache, type PasswordRequest } from './credentials/credential-cache.ts';
export type {
  CredentialProvider,
  CredentialQuery,
  Credentials,
  IdentityToken,
  PasswordCredentials,
  RegistryToken,
} from './credentials/credentials.ts';
export { staticCredentials } from './credentials/credentials.ts';
export { type DockerCredentialsOptions, dockerCredentials } from './credentials/docker-credentials.ts';
export type { Environment } from './environment.ts';
export { RegistryError, type RegistryErrorCode, type RegistryErrorOptions, type RegistryRefusal } from './errors.ts';
export type { FoundManifest } from './manifests/manifests.ts';
export type { PushManifestOptions } from './manifests/put-manifest.ts';
export type { RegistryOptions, RequestEvent, RetryOptions } from './options.ts';
export { RateLimit } from './rate-limit.ts';
export { openRegistry, type Registry } from './registry.ts';
export { openRegistryCatalog, type RegistryCatalogOptions } from './registry-catalog.ts';
export type { Repository } from './repository.ts';
export { createProxyAgent, type ProxyAgentOptions } from './transport/tunnel-agent.ts';
