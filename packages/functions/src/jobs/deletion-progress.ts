import { keyOf } from './list-repository.ts';
import type { RunStore } from './store.ts';

/**
 * The manifests of a repository whose deletion has started and not ended. If a function is stopped between the deletion of an
 * image and that of its parts, nothing in the repository shows that the parts are garbage: the next invocation needs this.
 */
export interface DeletionProgress {
  /** Digests of these manifests. */
  readonly started: ReadonlySet<string>;
  /** Adds manifests, before their deletion. */
  start(digests: readonly string[]): Promise<void>;
  /** Removes all manifests. */
  finish(): Promise<void>;
}

/** Maximum number of digests: those of several rounds. */
const MAX_DIGESTS = 20_000;

/** Reads the progress of a repository from the bucket. Runs exclude each other, so that only one invocation changes it. */
export async function openDeletionProgress(
  store: Pick<RunStore, 'list' | 'get' | 'put'>,
  repository: string,
): Promise<DeletionProgress> {
  const key = `started/${keyOf(repository)}.json`;
  const exists = (await store.list(key)).includes(key);
  const stored = exists ? ((await store.get(key)) as { readonly digests: readonly string[] }).digests : [];
  const started = new Set(stored);
  const write = () => store.put(key, { repository, digests: [...started].slice(-MAX_DIGESTS) });
  return {
    started,
    async start(digests) {
      for (const digest of digests) started.add(digest);
      await write();
    },
    async finish() {
      if (started.size === 0) return;
      started.clear();
      await write();
    },
  };
}
