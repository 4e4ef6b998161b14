import type { CallOptions } from '@soci/oci';
import { RegistryAuthorizer } from './auth/authorizer.ts';
import { BlobUrlCache } from './blobs/blob-url-cache.ts';
import { ReadAheadPool } from './blobs/read-ahead-pool.ts';
import { RegistryHttp } from './client/registry-http.ts';
import { KeyedMutex } from './concurrency.ts';
import { dockerCredentials } from './credentials/docker-credentials.ts';
import { listRepositories } from './manifests/list-repositories.ts';
import { registryHost, repositoryName } from './names.ts';
import { checkOption, checkRetryOptions, type RegistryOptions } from './options.ts';
import { Repository } from './repository.ts';
import { ManifestCache } from './repository-context.ts';
import { PooledHttpSender } from './transport/http-sender.ts';

/** 4 MiB: the size that every registry must accept. @see OCI distribution-spec v1.1, "Pushing Manifests" */
const DEFAULT_MAX_MANIFEST_SIZE = 4 << 20;

/** A registry client, with its connections and credentials. */
export interface Registry {
  /** The host that was passed to {@link openRegistry}, with an optional port. */
  readonly host: string;
  /**
   * Returns a repository. Sends no request; whether the repository exists is checked by the methods that use it.
   *
   * @param path - Name of the repository in the registry, such as `team/app`.
   * @throws OciError `REFERENCE_INVALID`
   */
  repository(path: string): Repository;
  /**
   * Yields the names of all repositories, each once, in the order of the registry.
   *
   * @throws RegistryError `UNSUPPORTED` if the registry does not list them, as most public ones; `RESPONSE_INVALID` and
   * `LIMIT_EXCEEDED` for a list that is invalid, repeats a page or does not end
   */
  repositories(options?: CallOptions): AsyncGenerator<string, void, undefined>;
  /**
   * Closes all connections. Running and later requests fail with `CLOSED`. Idle connections do not keep the process
   * alive, so calling this before the process exits is optional.
   */
  close(): void;
}

/**
 * Creates a registry client. Sends no request.
 *
 * @param host - Such as `registry.example:5000`, `ghcr.io` or `docker.io`. For Amazon ECR use `ecrRegistryOptions` of
 * `@soci/ecr`.
 * @throws RegistryError `OPTION_INVALID`
 */
export function openRegistry(host: string, options: RegistryOptions = {}): Registry {
  checkOptions(options);
  const { env = process.env, credentials = dockerCredentials({ env }), retry = {}, limits = {} } = options;
  const sender = new PooledHttpSender({ ...options, identityHost: registryHost(host) });
  // Without its certificate, a loopback registry may reject the TLS handshake that detects the scheme.
  const { plainHttp = options.cert === undefined ? undefined : false } = options;
  const scheme = plainHttp === undefined ? {} : { plainHttp };
  const authorizer = new RegistryAuthorizer({ ...options, ...scheme, host: registryHost(host), credentials, sender });
  const http = new RegistryHttp({ host: registryHost(host), options: { ...options, ...scheme }, authorizer, sender });
  const shared = {
    http,
    limits,
    maxManifestSize: limits.maxManifestSize ?? DEFAULT_MAX_MANIFEST_SIZE,
    retry,
    capabilities: { hasReferrersApi: undefined, supportsSinglePost: options.singlePost },
    referrersMutex: new KeyedMutex(),
    blobs: { urlCache: new BlobUrlCache(), readAhead: new ReadAheadPool(options.maxReadAhead), retry },
  };
  return {
    host,
    repository(path) {
      const name = repositoryName(host, path);
      return new Repository(host, { ...shared, path: name, name: `${host}/${path}`, manifests: new ManifestCache() });
    },
    repositories: (call = {}) => listRepositories({ ...call, http, name: host, scope: [] }),
    close: () => sender.close(),
  };
}

/** Checks options that are used only later. @throws RegistryError `OPTION_INVALID` if a number is out of range */
function checkOptions({ retry = {}, limits = {}, maxReadAhead = 0 }: RegistryOptions): void {
  checkRetryOptions(retry);
  checkOption('maxReadAhead', maxReadAhead, 0, Number.MAX_SAFE_INTEGER);
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined) checkOption(`limits.${name}`, value, 1, Number.MAX_SAFE_INTEGER);
  }
}
