import type { AccessPolicy } from '../auth/access-policy.ts';
import type { EventLog } from '../events.ts';
import type { IncomingRequest } from '../http/incoming-request.ts';
import { RequestError } from '../http/reply.ts';
import type { BlobWriter } from '../store/blob-store.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { Repository } from '../store/repository.ts';
import type { TestRegistryOptions } from '../test-registry.ts';

/** State of the OCI API. */
export interface Registry {
  readonly store: RegistryStore;
  readonly settings: RegistrySettings;
  /** Open uploads by id. */
  readonly uploads: Map<string, UploadSession>;
  readonly events: EventLog;
  /** Limits the rate of manifest pushes, if any. */
  readonly putLimit: PutLimit | undefined;
  /** Returns the signed URL of a blob; undefined if blobs are not redirected. */
  readonly signUrl: ((digest: string) => string) | undefined;
}

/** An open upload. */
export interface UploadSession {
  readonly id: string;
  /** Name of the repository. */
  readonly name: string;
  /** Part of the query of the upload URL, which clients must preserve. */
  readonly state: string;
  readonly writer: BlobWriter;
  /** Sizes of the received parts, in order. */
  readonly parts: number[];
  /** Whether a request is writing to it. */
  isBusy: boolean;
}

/** Behavior that differs between registries. */
export type RegistrySettings = Required<
  Pick<
    TestRegistryOptions,
    'absoluteLocations' | 'autoCreate' | 'ecr' | 'minChunkSize' | 'pageSize' | 'referrers' | 'singlePost'
  >
>;

/** A routed request. */
export interface Call {
  readonly registry: Registry;
  readonly incoming: IncomingRequest;
  readonly policy: AccessPolicy;
  /** Name of the repository, validated. */
  readonly name: string;
  /** Last component of the path: a digest, a tag or the id of an upload. */
  readonly reference: string;
}

/** Returns the repository of a call. @throws RequestError 404 if it does not exist */
export function existingRepository({ registry, name }: Call): Repository {
  const { settings, events, store } = registry;
  const found = store.repository(name);
  if (found?.isDenied) throw new RequestError(403, 'DENIED', `not authorized to access repository: ${name}`);
  if (found !== undefined) return found;
  const message = settings.ecr
    ? `The repository with name '${name}' does not exist in the registry with id '${events.account}'`
    : `repository name not known to registry: ${name}`;
  throw new RequestError(404, 'NAME_UNKNOWN', message);
}

/** Returns the repository of a call, and creates it if the settings allow it. @throws RequestError 404 */
export function writableRepository(call: Call): Repository {
  const { settings, store } = call.registry;
  if (settings.autoCreate) store.openRepository(call.name);
  return existingRepository(call);
}

/** Returns a URL in the repository of a call, relative or absolute according to the settings. */
export function locate({ registry, incoming, name }: Call, path: string): string {
  return `${registry.settings.absoluteLocations ? incoming.origin : ''}/v2/${name}/${path}`;
}

/**
 * Limits manifest pushes like an AWS API: a token bucket that holds the requests of one second.
 *
 * @see Amazon ECR User Guide, "Amazon ECR service quotas": PutImage
 */
export class PutLimit {
  readonly #perSecond: number;
  #tokens: number;
  #updatedAt = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
  }

  /** Takes a token. @throws RequestError 429 if none is left */
  take(): void {
    const now = performance.now();
    const added = ((now - this.#updatedAt) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + added);
    this.#updatedAt = now;
    if (this.#tokens < 1) throw new RequestError(429, 'TOOMANYREQUESTS', 'Rate exceeded');
    this.#tokens -= 1;
  }
}
