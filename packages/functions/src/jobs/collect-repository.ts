import { randomUUID } from 'node:crypto';
import type { RegistryCatalog } from '@soci/oci';
import {
  type DeletionResult,
  deleteGarbage,
  findGarbage,
  type GarbageItem,
  type GarbagePlan,
  type GarbagePolicy,
  type ImagesInUse,
  type KeptItem,
  type KnownFacts,
  RegistryJobsError,
  UndoFormatter,
  type UndoLog,
} from '@soci/registry-jobs';
import type { JobsSettings } from '../environment/jobs-settings.ts';
import { FunctionError, messageOf } from '../errors.ts';
import type { Log } from '../invocation.ts';
import { type DeletionProgress, openDeletionProgress } from './deletion-progress.ts';
import { InUseUnknown, readImagesInUse } from './images-in-use.ts';
import { keyOf, type ListProblem, problemOf } from './list-repository.ts';
import { type Run, undoPrefix } from './run.ts';
import type { RunStore } from './store.ts';

/** Garbage of a repository, and what happened to it. `found`: it was only reported. */
export interface CollectedManifest extends Pick<GarbageItem, 'digest' | 'tags' | 'kind'> {
  /** Why it is garbage. */
  readonly garbage: GarbageItem['reason'];
  readonly outcome: 'found' | DeletionResult['outcome'];
  /** Why it was kept at the last moment. */
  readonly reason?: string;
  readonly message?: string;
}

/** What one round in a repository found and deleted, as stored. */
export interface CollectedRound {
  readonly repository: string;
  readonly manifests: readonly CollectedManifest[];
  /** What looks like garbage, and why it is kept. */
  readonly kept: readonly KeptItem[];
  /** Whether it found garbage although no SOCI-enabled image has its source image there, so that all can be copies. */
  readonly canBeCopies: boolean;
  /** Number of manifests that a further round must delete. */
  readonly remaining: number;
  /** Key of the undo log. */
  readonly undo?: string;
  /** Why the repository was not checked. */
  readonly problem?: { readonly reason: ListProblem | 'in-use-unknown'; readonly message: string };
}

/** Response of the step. */
export interface CollectedRepository {
  readonly run: Run;
  readonly repository: string;
  /** Number of manifests that were deleted. */
  readonly deleted: number;
  /** Whether another invocation must continue. */
  readonly isUnfinished: boolean;
}

/** Dependencies of {@link collectRepository}. */
export interface CollectContext {
  readonly settings: Pick<JobsSettings, 'garbage' | 'outputTag'>;
  readonly catalog: RegistryCatalog;
  /** Host of the registry, for the undo log. */
  readonly host: string;
  readonly store: RunStore;
  readonly log: Log;
  /** Milliseconds until the invocation ends. */
  readonly remainingTime: () => number;
  /** Maximum number of manifests that a round deletes, unless an image has more parts. @default 2,000 */
  readonly roundSize?: number;
}

const ROUND_SIZE = 2000;

/** No round starts with less time, in milliseconds, or with less than twice what the previous one took. */
const MIN_ROUND_TIME = 120_000;

/** Maximum size of an undo log, in bytes. */
const MAX_UNDO_SIZE = 256 << 20;

/** Outcomes after which a manifest does not exist. */
const GONE: ReadonlySet<string> = new Set(['deleted', 'gone']);

/**
 * Collecting step of a run, once for each repository: finds its garbage, and deletes it if the run may, with the guards of
 * `soci-index gc --delete`. Works in rounds. A round deletes whole images with their parts, so that no round leaves half an image.
 * What each round did is stored. The undo log of a round is in the bucket before its first deletion.
 *
 * @throws FunctionError `TRY_AGAIN` for errors that a retry may fix.
 */
export async function collectRepository(
  { run, repository }: { readonly run: Run; readonly repository: string },
  context: CollectContext,
): Promise<CollectedRepository> {
  const { store, log, remainingTime } = context;
  const progress = await openDeletionProgress(store, repository);
  const known: KnownFacts = new Map();
  let [deleted, longest] = [0, 0];
  while (true) {
    const started = performance.now();
    const round = await collectRound(run, repository, known, progress, context);
    await store.put(`${run.collected}/rounds/${keyOf(repository)}/${timestamp()}-${randomUUID()}.json`, round);
    const gone = round.manifests.filter(({ outcome }) => GONE.has(outcome)).length;
    deleted += gone;
    const { manifests, kept, remaining, undo, problem } = round;
    log[problem ? 'warn' : 'info'](`${repository}: ${problem?.message ?? `${manifests.length} manifests of garbage`}`, {
      run: run.name,
      repository,
      deleted: gone,
      kept: kept.length,
      remaining,
      undo,
      ...(problem && { reason: problem.reason }),
    });
    // A round that deletes nothing would be repeated without end.
    if (remaining === 0 || gone === 0) return { run, repository, deleted, isUnfinished: false };
    longest = Math.max(longest, performance.now() - started);
    if (remainingTime() < Math.max(MIN_ROUND_TIME, 2 * longest))
      return { run, repository, deleted, isUnfinished: true };
  }
}

async function collectRound(
  run: Run,
  repository: string,
  known: KnownFacts,
  progress: DeletionProgress,
  { settings, catalog, host, store, roundSize = ROUND_SIZE }: CollectContext,
): Promise<CollectedRound> {
  const none = { repository, manifests: [], kept: [], canBeCopies: false, remaining: 0 };
  const { garbage, outputTag } = settings;
  const policy: GarbagePolicy = {
    olderThan: garbage.olderThan,
    outputTags: [outputTag],
    ownParts: progress.started,
    now: Date.now(),
  };
  let plan: GarbagePlan;
  try {
    plan = await findGarbage(catalog, repository, policy, { known });
  } catch (error) {
    return { ...none, problem: problemOf(repository, error) };
  }
  if (plan.items.length === 0) {
    if (run.garbage === 'delete') await progress.finish();
    return { ...none, kept: plan.kept };
  }
  // Read only now: most repositories have no garbage.
  let inUse: ImagesInUse;
  try {
    inUse = await readImagesInUse(garbage, store, Date.now());
    plan = await findGarbage(catalog, repository, { ...policy, inUse }, { known });
  } catch (error) {
    if (!(error instanceof InUseUnknown)) return { ...none, problem: problemOf(repository, error) };
    return { ...none, problem: { reason: 'in-use-unknown', message: messageOf(error) } };
  }
  const { kept } = plan;
  const canBeCopies = !plan.hasSources && plan.items.some(({ reason }) => reason === 'source-gone');
  if (run.garbage !== 'delete' || plan.items.length === 0) {
    return { ...none, manifests: plan.items.map((item) => describe(item, 'found')), kept, canBeCopies };
  }
  const items = selectWholeImages(plan.items, roundSize);
  const undo = new UndoObject(store, `${undoPrefix(run)}${keyOf(repository)}-${randomUUID()}.jsonl`, host);
  await progress.start(items.map(({ digest }) => digest));
  const results: DeletionResult[] = [];
  try {
    for await (const result of deleteGarbage(catalog, [{ ...plan, items }], { ...policy, inUse }, { undo })) {
      results.push(result);
    }
  } catch (error) {
    // Of the undo log. Nothing was deleted.
    if (error instanceof FunctionError) throw error;
    return { ...none, kept, problem: problemOf(repository, error) };
  }
  const remaining = plan.items.length - items.length;
  if (remaining === 0 && results.every(({ outcome }) => outcome !== 'failed')) await progress.finish();
  const manifests = results.map(({ item, outcome, reason, message }) => ({
    ...describe(item, outcome),
    ...(reason !== undefined && { reason }),
    ...(message !== undefined && { message: message.slice(0, 500) }),
  }));
  return { repository, manifests, kept, canBeCopies, remaining, undo: undo.key };
}

/**
 * Returns images of a plan with all parts that only they need. Parts without their image would have nothing that shows where
 * they come from.
 */
function selectWholeImages(items: readonly GarbageItem[], limit: number): readonly GarbageItem[] {
  const needed = new Map<string, readonly GarbageItem[]>();
  for (const item of items) {
    for (const digest of item.after) needed.set(digest, [...(needed.get(digest) ?? []), item]);
  }
  const selected = new Set<string>();
  const select = (item: GarbageItem): void => {
    if (selected.has(item.digest)) return;
    selected.add(item.digest);
    for (const part of needed.get(item.digest) ?? []) {
      if (part.after.every((digest) => selected.has(digest))) select(part);
    }
  };
  for (const item of items) {
    if (selected.size >= limit) break;
    if (item.after.length === 0) select(item);
  }
  return items.filter(({ digest }) => selected.has(digest));
}

function describe(
  { digest, tags, kind, reason }: GarbageItem,
  outcome: CollectedManifest['outcome'],
): CollectedManifest {
  return { digest, tags, kind, garbage: reason, outcome };
}

/** An undo log that becomes an object with its commit. */
class UndoObject implements UndoLog {
  readonly key: string;
  readonly #store: RunStore;
  readonly #format = new UndoFormatter();
  readonly #lines: string[];
  #size = 0;

  constructor(store: RunStore, key: string, host: string) {
    this.key = key;
    this.#store = store;
    this.#lines = [this.#format.header({ host, createdAt: new Date().toISOString() })];
  }

  async add(manifest: Parameters<UndoLog['add']>[0]): Promise<void> {
    const line = this.#format.manifest(manifest);
    this.#size += line.length;
    if (this.#size > MAX_UNDO_SIZE) {
      const message = `the manifests to delete have more than ${MAX_UNDO_SIZE} bytes. Run soci-index gc --delete for this repository.`;
      throw new RegistryJobsError('LIMIT_EXCEEDED', message);
    }
    this.#lines.push(line);
  }

  async commit(): Promise<void> {
    await this.#store.putText(this.key, [...this.#lines, this.#format.end()]);
  }
}

/** Returns the current time in a form that sorts by time. */
function timestamp(): string {
  return new Date().toISOString().replaceAll(/[-:.]/g, '');
}
