import type { AccessPolicy } from '../auth/access-policy.ts';
import type { EventLog } from '../events.ts';
import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/reply.ts';
import type { BlobDraft } from '../store/blob-store.ts';
import type { RegistryStore, Repository } from '../store/registry-store.ts';
import type { TestRegistryOptions } from '../test-registry.ts';

/** What the handlers of the OCI API work on. */
export interface Registry {
  readonly store: RegistryStore;
  readonly settings: RegistrySettings;
  /** Those under way, by id. */
  readonly uploads: Map<string, UploadSession>;
  readonly events: EventLog;
  /** The address of a blob at the storage, where blobs are redirected there. */
  readonly signUrl: ((digest: string) => string) | undefined;
}

/** An upload under way. */
export interface UploadSession {
  readonly id: string;
  /** Name of the repository that it was begun in. */
  readonly name: string;
  /** Stands in the query of its address, which a client has to keep. */
  readonly state: string;
  readonly draft: BlobDraft;
  /** Sizes of the parts taken, in order. */
  readonly parts: number[];
  /** Whether a request is writing to it. */
  isBusy: boolean;
}

/** How the registry behaves where registries differ. */
export type RegistrySettings = Required<
  Pick<
    TestRegistryOptions,
    'absoluteLocations' | 'autoCreate' | 'ecr' | 'minChunkSize' | 'pageSize' | 'referrers' | 'singlePost'
  >
>;

/** A request that was routed. */
export interface Call {
  readonly registry: Registry;
  readonly incoming: Incoming;
  readonly policy: AccessPolicy;
  /** Name of the repository, checked. */
  readonly name: string;
  /** The last part of the path: digest, tag or id of an upload. */
  readonly reference: string;
}

/** The repository that a call reads from. @throws Refusal 404 where there is none. */
export function existingRepository({ registry, name }: Call): Repository {
  const { settings, events, store } = registry;
  const found = store.repository(name);
  if (found !== undefined) return found;
  const words = settings.ecr
    ? `The repository with name '${name}' does not exist in the registry with id '${events.account}'`
    : `repository name not known to registry: ${name}`;
  throw new Refusal(404, 'NAME_UNKNOWN', words);
}

/** The repository that a call writes to, made where it may be. @throws Refusal 404 */
export function writableRepository(call: Call): Repository {
  const { settings, store } = call.registry;
  return settings.autoCreate ? store.openRepository(call.name) : existingRepository(call);
}

/** An address below the repository of a call, relative or absolute as the settings say. */
export function locate({ registry, incoming, name }: Call, path: string): string {
  return `${registry.settings.absoluteLocations ? incoming.origin : ''}/v2/${name}/${path}`;
}
