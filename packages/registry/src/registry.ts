import type { OciLimits } from '@soci/oci';
import { RegistryAuthorizer } from './auth/authorizer.ts';
import { BlobLocations } from './blobs/blob-locations.ts';
import { ReadAhead } from './blobs/parts-in-flight.ts';
import { RegistryHttp } from './client/registry-http.ts';
import { KeyedMutex } from './concurrency.ts';
import type { CredentialProvider } from './credentials/credentials.ts';
import { dockerCredentials } from './credentials/docker-credentials.ts';
import { registryHost, repositoryName } from './names.ts';
import { checkOption, checkRetryOptions, type Environment, type RequestEvent, type RetryOptions } from './options.ts';
import { Repository } from './repository.ts';
import { ManifestCache } from './repository-context.ts';
import { PooledHttpSender } from './transport/http-sender.ts';

/** 4 MiB: what a registry must accept. @see OCI distribution-spec v1.1, "Pushing Manifests" */
const DEFAULT_MAX_MANIFEST_SIZE = 4 << 20;

/** How to reach a registry. */
export interface RegistryOptions {
  /** Finds credentials by host. @default `dockerCredentials()`: those of docker and podman, if any */
  readonly credentials?: CredentialProvider;
  /**
   * The scheme of `Authorization` to use before the registry has asked for one, if it is known: saves the request that is
   * answered with 401. @default what the registry asks for
   */
  readonly authScheme?: 'basic';
  /**
   * What to do if the registry refuses the credentials, as a clause for error messages.
   * @default log in with docker login HOST, or give the name and password of somebody who may
   */
  readonly credentialsHint?: string;
  /** Whether the registry takes a whole blob in a single POST. @default tried once */
  readonly singlePost?: boolean;
  /** Speak http, not https. @default true on loopback where nothing answers https, else false */
  readonly plainHttp?: boolean;
  /** Certificates to trust beside the system's, PEM. @default none */
  readonly ca?: string;
  /** How failures in passing are met. @default see {@link RetryOptions} */
  readonly retry?: RetryOptions;
  /** Milliseconds without a byte after which a connection counts as stalled. @default 30,000 */
  readonly stallTimeout?: number;
  /**
   * Connections to one host at a time, at least 2. One is kept for what is answered at once, so that blobs that wait for
   * their receivers hold up nothing that these may need first. @default 16
   */
  readonly maxConnections?: number;
  /**
   * Bytes that the blobs of the registry may be read ahead of their receivers, together, where one connection is slower
   * than its receiver; in parts of 4 MiB, each with a connection. 0: one connection a blob. @default 32 MiB
   */
  readonly maxReadAhead?: number;
  /** Where proxies are named (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), and files of credentials. @default `process.env` */
  readonly env?: Environment;
  /** Told of every request. @default nobody is told */
  readonly onRequest?: (event: RequestEvent) => void;
  /** Bounds on manifests. @default see `OciLimits` of `@soci/oci` */
  readonly limits?: OciLimits;
}

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
  const { plainHttp, authScheme, credentialsHint, singlePost } = options;
  const authorizer = new RegistryAuthorizer({
    host: registryHost(host),
    plainHttp,
    authScheme,
    credentialsHint,
    credentials,
    sender,
  });
  const http = new RegistryHttp({ host: registryHost(host), options, authorizer, sender });
  const shared = {
    http,
    limits,
    maxManifestSize: limits.maxManifestSize ?? DEFAULT_MAX_MANIFEST_SIZE,
    retry,
    traits: { hasReferrersApi: undefined, takesSinglePost: singlePost },
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
