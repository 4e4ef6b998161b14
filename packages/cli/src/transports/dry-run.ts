import type { ProfileTarget, TargetStore } from '@soci/index';
import type { Descriptor, Prober } from '@soci/oci';
import type { Repository } from '@soci/registry';

/** A blob or manifest that a command would write. */
export interface PlannedWrite extends Pick<Descriptor, 'digest' | 'mediaType' | 'size'> {
  /** Repository of the same registry that the blob would be mounted from, so that it is not sent. */
  readonly mountedFrom?: string;
}

/** A destination of a dry run. */
export interface DryRunStore {
  /** Writes nothing. */
  readonly store: TargetStore;
  /** Returns what would be written, in the order in which it would be written. */
  readonly planned: () => readonly PlannedWrite[];
}

/** A store without content: a new layout or archive. */
export const EMPTY: Prober = { exists: async () => false };

/**
 * Returns a repository that can be read. Writing only records what would be written.
 *
 * @param open - Returns another repository of the registry. Blobs that it has would be mounted.
 */
export function openRepositoryDryRun(repository: Repository, open: (path: string) => Promise<Prober>): DryRunStore {
  const { host, path } = repository;
  const { store, plan, planned } = recordWrites(repository);
  return {
    planned,
    store: {
      ...store,
      host,
      path,
      fetch: (...args) => repository.fetch(...args),
      fetchRange: (...args) => repository.fetchRange(...args),
      referrers: (...args) => repository.referrers(...args),
      resolve: (...args) => repository.resolve(...args),
      tags: (...args) => repository.tags(...args),
      pushManifest: async (target) => plan(target),
      mount: async (target, mountedFrom, options) => {
        const from = await open(mountedFrom);
        if (!(await from.exists(target, options))) return false;
        plan(target, { mountedFrom });
        return true;
      },
    },
  };
}

/** Returns a layout that is not written. Writing only records what would be written. */
export function openLayoutDryRun(existing: Prober): DryRunStore {
  const { store, planned } = recordWrites(existing);
  return { store, planned };
}

/** Returns a store for profiles that can be read. Writing only records what would be written. */
export function openProfileDryRun(existing: ProfileTarget & Prober): {
  readonly store: ProfileTarget;
  readonly planned: DryRunStore['planned'];
} {
  const { store, planned } = recordWrites(existing);
  return {
    planned,
    store: {
      ...store,
      fetch: (...args) => existing.fetch(...args),
      referrers: (...args) => existing.referrers(...args),
      resolve: (...args) => existing.resolve(...args),
    },
  };
}

/** Content that the store has is not recorded, because it is not written again. */
function recordWrites(existing: Prober) {
  const writes = new Map<string, PlannedWrite>();
  const known = new Map<string, boolean>();
  const exists: Prober['exists'] = async (target, options) => {
    const found = known.get(target.digest) ?? (await existing.exists(target, options));
    known.set(target.digest, found);
    return found || writes.has(target.digest);
  };
  const plan = ({ digest, mediaType, size }: Descriptor, more: Pick<PlannedWrite, 'mountedFrom'> = {}) => {
    writes.set(digest, { digest, mediaType, size, ...more });
  };
  const store = {
    exists,
    push: async (target, _, options) => {
      if (!(await exists(target, options))) plan(target);
    },
    tag: async () => {},
    addRoot: async () => {},
  } satisfies TargetStore;
  return { store, plan, planned: () => [...writes.values()] };
}
