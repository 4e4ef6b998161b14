export { CredentialCache, type PasswordRequest } from './credentials/credential-cache.ts';
export type {
  CredentialProvider,
  CredentialQuery,
  Credentials,
  IdentityToken,
  PasswordCredentials,
  RegistryToken,
} from './credentials/credentials.ts';
export { type DockerCredentialsOptions, dockerCredentials } from './credentials/docker-credentials.ts';
export { staticCredentials } from './credentials/static-credentials.ts';
export { RegistryError, type RegistryErrorCode, type RegistryErrorOptions, type RegistryRefusal } from './errors.ts';
export type { PushManifestOptions } from './registry/manifests/put-manifest.ts';
export { openRegistry, type Registry } from './registry/registry.ts';
export type { RegistryOptions, RequestEvent } from './registry/registry-options.ts';
export type { Repository } from './registry/repository.ts';
export type { RetryOptions } from './transport/retry.ts';
export { createProxyAgent, type ProxyAgentOptions } from './transport/tunnel-agent.ts';
