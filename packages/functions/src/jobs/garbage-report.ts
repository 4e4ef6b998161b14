import type { CollectedManifest, CollectedRound } from './collect-repository.ts';
import { MAX_LISTED } from './merge-plans.ts';
import type { Run, StoredItems } from './run.ts';
import type { RunStore } from './store.ts';

/** What a run found and deleted. Lists have at most {@link MAX_LISTED} entries, counts include all. */
export interface GarbageReport {
  readonly mode: 'report' | 'delete';
  /** Number of repositories that were checked. */
  readonly repositories: number;
  /** Number of manifests by outcome. `found`: only reported. */
  readonly manifests: Readonly<Record<CollectedManifest['outcome'], number>>;
  /** Number of manifests that look like garbage and are kept, by reason. */
  readonly kept: Readonly<Record<string, number>>;
  readonly garbage: readonly (CollectedManifest & { readonly repository: string })[];
  readonly keptManifests: readonly (CollectedRound['kept'][number] & { readonly repository: string })[];
  /** Repositories with garbage in which no SOCI-enabled image has its source image: all of them can be copies. */
  readonly possibleCopies: readonly string[];
  /** Repositories that were not checked, or not to the end, with the reason. */
  readonly notChecked: readonly { readonly repository: string; readonly reason: string; readonly message: string }[];
  /** Number of these repositories. */
  readonly notCheckedCount: number;
  /** Keys of the undo logs, for `soci-index gc --restore`. */
  readonly undo: readonly string[];
}

/** Summarizes the rounds of all repositories. */
export async function reportGarbage(run: Run, repositories: StoredItems, store: RunStore): Promise<GarbageReport> {
  const missing = new Set((await store.get(repositories.key)) as readonly string[]);
  const manifests = { found: 0, deleted: 0, gone: 0, kept: 0, failed: 0 };
  const kept: Record<string, number> = {};
  const garbage: GarbageReport['garbage'][number][] = [];
  const keptManifests: GarbageReport['keptManifests'][number][] = [];
  const undo: string[] = [];
  const possibleCopies = new Set<string>();
  const notChecked: GarbageReport['notChecked'][number][] = [];
  let checked = 0;
  const finish = (last: CollectedRound | undefined) => {
    if (last === undefined) return;
    const { repository, remaining, problem } = last;
    missing.delete(repository);
    for (const item of last.kept) {
      kept[item.reason] = (kept[item.reason] ?? 0) + 1;
      if (keptManifests.length < MAX_LISTED) keptManifests.push({ repository, ...item });
    }
    if (problem !== undefined) notChecked.push({ repository, ...problem });
    else if (remaining > 0) {
      const message = `${remaining} manifests of garbage were not deleted: the next run continues`;
      notChecked.push({ repository, reason: 'unfinished', message });
    } else checked += 1;
  };
  let last: CollectedRound | undefined;
  // Sorted by repository, then by time.
  for (const key of (await store.list(`${run.collected}/rounds/`)).toSorted()) {
    const round = (await store.get(key)) as CollectedRound;
    if (round.repository !== last?.repository) finish(last);
    last = round;
    for (const manifest of round.manifests) {
      manifests[manifest.outcome] += 1;
      if (garbage.length < MAX_LISTED) garbage.push({ repository: round.repository, ...manifest });
    }
    if (round.canBeCopies && possibleCopies.size < MAX_LISTED) possibleCopies.add(round.repository);
    if (round.undo !== undefined && undo.length < MAX_LISTED) undo.push(round.undo);
  }
  finish(last);
  for (const repository of missing) {
    notChecked.push({ repository, reason: 'crashed', message: 'the function that checks it failed: see its log' });
  }
  return {
    mode: run.garbage === 'delete' ? 'delete' : 'report',
    repositories: checked,
    manifests,
    kept,
    garbage,
    keptManifests,
    possibleCopies: [...possibleCopies],
    notChecked: notChecked.slice(0, MAX_LISTED),
    notCheckedCount: notChecked.length,
    undo,
  };
}
