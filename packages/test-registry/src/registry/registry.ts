import type { AccessPolicy } from '../auth/access-policy.ts';
import type { EventLog } from '../events.ts';
import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/reply.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { Repository } from '../store/repository.ts';
import type { Uploads } from './upload-sessions.ts';

/** What the handlers of the OCI API work on. */
export interface Registry {
  readonly store: RegistryStore;
  readonly settings: RegistrySettings;
  readonly uploads: Uploads;
  readonly events: EventLog;
  /** The address of a blob at the storage, where blobs are redirected there. */
  readonly signUrl: ((digest: string) => string) | undefined;
}

/** A request that was routed. */
export interface Call {
  readonly registry: Registry;
  readonly incoming: Incoming;
  /** Who lets requests in. */
  readonly policy: AccessPolicy;
  /** Name of the repository, checked. */
  readonly name: string;
  /** The last part of the path: digest, tag or id of an upload. */
  readonly reference: string;
}

/** The repository that a call reads from. @throws Refusal 404 where there is none. */
export function existingRepository({ registry, name }: Call): Repository {
  const found = registry.store.repository(name);
  if (found === undefined) throw new Refusal(404, 'NAME_UNKNOWN', unknownName(registry, name));
  return found;
}

/** The repository that a call writes to, made where it may be. @throws Refusal 404 */
export function writableRepository({ registry, name }: Call): Repository {
  const found = registry.store.repository(name);
  if (found === undefined && !registry.settings.autoCreate) {
    throw new Refusal(404, 'NAME_UNKNOWN', unknownName(registry, name));
  }
  return found ?? registry.store.openRepository(name);
}

function unknownName({ settings, events }: Registry, name: string): string {
  return settings.ecr
    ? `The repository with name '${name}' does not exist in the registry with id '${events.account}'`
    : `repository name not known to registry: ${name}`;
}

/** How the registry behaves where registries differ. */
export interface RegistrySettings {
  readonly referrers: boolean;
  readonly ecr: boolean;
  readonly autoCreate: boolean;
  readonly absoluteLocations: boolean;
  readonly minChunkSize: number;
  readonly singlePost: boolean;
  readonly pageSize: number;
}

/** An address below the repository of a call, relative or absolute as the settings say. */
export function locate({ registry, incoming, name }: Call, path: string): string {
  return `${registry.settings.absoluteLocations ? incoming.origin : ''}/v2/${name}/${path}`;
}
