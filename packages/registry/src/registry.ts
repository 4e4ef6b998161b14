import { RegistryAuthorizer } from './auth/authorizer.ts';
import { BlobLocations } from './blobs/blob-locations.ts';
import { ReadAhead } from './blobs/read-ahead.ts';
import { RegistryHttp } from './client/registry-http.ts';
import { KeyedMutex } from './concurrency.ts';
import { dockerCredentials } from './credentials/docker-credentials.ts';
import { registryHost, repositoryName } from './names.ts';
import { checkOption, checkRetryOptions, type RegistryOptions } from './options.ts';
import { Repository } from './repository.ts';
import { ManifestCache } from './repository-context.ts';
import { PooledHttpSender } from './transport/http-sender.ts';

/** 4 MiB: what a registry must accept. @see OCI distribution-spec v1.1, "Pushing Manifests" */
const DEFAULT_MAX_MANIFEST_SIZE = 4 << 20;

/** A registry, with the connections to it and the credentials for it. */
export interface Registry {
  /** Host, and port if need be, as it was opened. */
  readonly host: string;
  /**
   * A repository of it. Nothing is asked yet: whether there is such a repository, its methods find out.
   *
   * @param path - Its name within the registry, such as `team/app`.
   * @throws OciError `REFERENCE_INVALID`
   */
  repository(path: string): Repository;
  /**
   * Closes the connections: what is under way fails, and so does whatever is asked for later (`CLOSED`). Idle ones do not keep
   * a process alive, so that this may be left to its end.
   */
  close(): void;
}

/**
 * Opens a registry. Nothing is sent yet.
 *
 * @param host - Such as `registry.example:5000`, `ghcr.io`, `docker.io`. Of Amazon ECR with `ecrRegistryOptions` of `@soci/ecr`.
 * @throws RegistryError `OPTION_INVALID`
 */
export function openRegistry(host: string, options: RegistryOptions = {}): Registry {
  checkOptions(options);
  const { env = process.env, credentials = dockerCredentials({ env }), retry = {}, limits = {} } = options;
  const sender = new PooledHttpSender(options);
  const authorizer = new RegistryAuthorizer({ ...options, host: registryHost(host), credentials, sender });
  const http = new RegistryHttp({ host: registryHost(host), options, authorizer, sender });
  const shared = {
    http,
    limits,
    maxManifestSize: limits.maxManifestSize ?? DEFAULT_MAX_MANIFEST_SIZE,
    retry,
    traits: { hasReferrersApi: undefined, takesSinglePost: options.singlePost },
    turns: new KeyedMutex(),
    blobs: { locations: new BlobLocations(), readAhead: new ReadAhead(options.maxReadAhead), retry },
  };
  return {
    host,
    repository(path) {
      const name = repositoryName(host, path);
      return new Repository(host, { ...shared, path: name, name: `${host}/${path}`, manifests: new ManifestCache() });
    },
    close: () => sender.close(),
  };
}

/** Looks at what is otherwise used long after a registry was opened. @throws RegistryError `OPTION_INVALID` for a number out of its range */
function checkOptions({ retry = {}, limits = {}, maxReadAhead = 0 }: RegistryOptions): void {
  checkRetryOptions(retry);
  checkOption('maxReadAhead', maxReadAhead, 0, Number.MAX_SAFE_INTEGER);
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined) checkOption(`limits.${name}`, value, 1, Number.MAX_SAFE_INTEGER);
  }
}
