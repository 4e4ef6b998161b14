import type { Gate } from '../auth/gate.ts';
import type { EventLog } from '../events.ts';
import type { Incoming } from '../http/incoming.ts';
import { Refusal } from '../http/refusal.ts';
import type { RegistryStore } from '../store/registry-store.ts';
import type { Repository } from '../store/repository.ts';
import type { RegistrySettings } from './registry-settings.ts';
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
  readonly gate: Gate;
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
