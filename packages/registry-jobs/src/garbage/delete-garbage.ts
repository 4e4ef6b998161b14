import { type CallOptions, digestOf, type ListedManifest, parseDigest, type RegistryCatalog } from '@soci/oci';
import { findGarbage } from './find-garbage.ts';
import type { GarbageItem, GarbagePlan, GarbagePolicy } from './garbage-plan.ts';
import type { ImagesInUse } from './images-in-use.ts';
import type { KnownFacts } from './repository-state.ts';
import type { UndoLog } from './undo-log.ts';

/** Settings of {@link deleteGarbage}. Unlike for a plan, the images in use must be known. */
export type DeletionPolicy = GarbagePolicy & {
  /** Images that are kept. Pass `NOTHING_IN_USE` only if the user says that none are in use. */
  readonly inUse: ImagesInUse;
};

/** Options of {@link deleteGarbage}. */
export interface DeleteGarbageOptions extends CallOptions {
  /** Must be durable after its `commit`. */
  readonly undo: UndoLog;
}

/**
 * What happened to a manifest of a plan:
 *
 * - `deleted`: it was deleted.
 * - `gone`: it did not exist anymore.
 * - `kept`: a guard or the registry protected it, see {@link DeletionKeptReason}.
 * - `failed`: the registry failed. The manifest can exist or not.
 */
export type DeletionOutcome = 'deleted' | 'gone' | 'kept' | 'failed';

/**
 * Why a manifest of a plan was not deleted:
 *
 * - `changed`: the repository has changed since the plan, so that the manifest is not garbage anymore.
 * - `tag-changed`: a tag leads elsewhere, or the manifest has another tag.
 * - `root-kept`: an image that lists it was not deleted.
 * - `referenced`: the registry protects it, because an image index lists it (`ImageReferencedByManifestList`).
 */
export type DeletionKeptReason = 'changed' | 'tag-changed' | 'root-kept' | 'referenced';

/** Outcome for one manifest. */
export interface DeletionResult {
  readonly repository: string;
  readonly item: GarbageItem;
  readonly outcome: DeletionOutcome;
  /** Why it was kept. */
  readonly reason?: DeletionKeptReason;
  /** Message of the registry. */
  readonly message?: string;
  /** The error, if the outcome is `failed` because a request failed. */
  readonly error?: unknown;
}

/** Number of images whose tags are read again before one deletion request. Few, so that little time passes in between. */
const TAGGED_GROUP = 20;

/** Number of untagged manifests in one deletion request. */
const UNTAGGED_GROUP = 100;

/** Failure codes of registries that are results, not errors. */
const REFERENCED = 'ImageReferencedByManifestList';
const NOT_FOUND: ReadonlySet<string> = new Set(['ImageNotFound', 'MANIFEST_UNKNOWN', 'NOT_FOUND']);

/**
 * Deletes the garbage of plans, with these guards:
 *
 * 1. All manifests are in the undo log, and the log is durable, before the first deletion.
 * 2. Each repository is listed again, and its plan is made again, immediately before its first deletion, and again before the
 *    manifests that garbage lists are deleted. Only what is garbage in all plans is deleted.
 * 3. Each tag is read again immediately before its image is deleted. An image whose tag leads elsewhere is kept.
 * 4. Images are deleted before the manifests that they list. If an image is kept, so is what it lists.
 *
 * No registry has conditional deletions, so a change between the last check and the deletion (milliseconds) is not seen.
 *
 * A failure in one repository does not affect the next one. Its manifests get the outcome `failed`.
 *
 * @returns The outcome of each manifest, as soon as it is known.
 * @throws Errors of the undo log, before anything is deleted; the abort reason of the signal.
 */
export async function* deleteGarbage(
  catalog: RegistryCatalog,
  plans: readonly GarbagePlan[],
  policy: DeletionPolicy,
  options: DeleteGarbageOptions,
): AsyncGenerator<DeletionResult, void, undefined> {
  const { undo, signal } = options;
  const call = { ...(signal && { signal }) };
  const saved: { plan: GarbagePlan; digests: ReadonlySet<string>; error?: unknown }[] = [];
  for (const plan of plans) {
    try {
      saved.push({ plan, digests: await saveManifests(catalog, plan, undo, call) });
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UndoFailure) throw error.cause;
      saved.push({ plan, digests: new Set(), error });
    }
  }
  await undo.commit();
  for (const { plan, digests, error } of saved) {
    const deletion = new RepositoryDeletion(catalog, plan, policy, call);
    if (error === undefined) yield* deletion.run(digests);
    else yield* deletion.fail(error);
  }
}

/** Marks an error of the undo log, which prevents all deletions. */
class UndoFailure extends Error {}

/** Adds the manifests of a plan to the undo log. Returns the digests of those that exist. */
async function saveManifests(
  catalog: RegistryCatalog,
  { repository, items }: GarbagePlan,
  undo: UndoLog,
  call: CallOptions,
): Promise<ReadonlySet<string>> {
  const tags = new Map(items.map((item) => [item.digest, item.tags]));
  const saved = new Set<string>();
  const digests = items.map(({ digest }) => digest);
  if (digests.length === 0) return saved;
  for await (const manifest of catalog.manifests(repository, digests, call)) {
    if (!isIntact(manifest) || !tags.has(manifest.digest) || saved.has(manifest.digest)) continue;
    saved.add(manifest.digest);
    try {
      await undo.add({ repository, ...manifest, tags: tags.get(manifest.digest) ?? [] });
    } catch (cause) {
      throw new UndoFailure('cannot write the undo log', { cause });
    }
  }
  return saved;
}

/** Only what can be restored is deleted. */
function isIntact({ digest, content }: ListedManifest): boolean {
  return digestOf(content, parseDigest(digest).algorithm) === digest;
}

/** Deletes the garbage of one repository. */
class RepositoryDeletion {
  readonly #catalog: RegistryCatalog;
  readonly #plan: GarbagePlan;
  readonly #policy: DeletionPolicy;
  readonly #call: CallOptions;
  readonly #known: KnownFacts = new Map();
  readonly #outcomes = new Map<string, DeletionOutcome>();

  constructor(catalog: RegistryCatalog, plan: GarbagePlan, policy: DeletionPolicy, call: CallOptions) {
    this.#catalog = catalog;
    this.#plan = plan;
    // When its image has been deleted, nothing shows that a part is not from another tool.
    const ownParts = new Set([...(policy.ownParts ?? []), ...plan.items.map(({ digest }) => digest)]);
    // The image that showed where sources are can have been deleted. Only what the plan has is deleted.
    this.#policy = { ...policy, ownParts, keepCopies: false };
    this.#call = call;
  }

  /** @param saved - Digests of the manifests in the undo log. */
  async *run(saved: ReadonlySet<string>): AsyncGenerator<DeletionResult, void, undefined> {
    try {
      for (const item of this.#plan.items) if (!saved.has(item.digest)) yield this.#finish(item, 'gone');
      // Levels: images, then what they list, and so on. Each level needs a new look at the repository.
      for (let level = this.#next(); level.length > 0; level = this.#next()) yield* this.#deleteLevel(level);
      for (const item of this.#open()) yield this.#finish(item, 'kept', { reason: 'root-kept' });
    } catch (error) {
      this.#call.signal?.throwIfAborted();
      yield* this.fail(error);
    }
  }

  *fail(error: unknown): Generator<DeletionResult, void, undefined> {
    const message = error instanceof Error ? error.message : String(error);
    for (const item of this.#open()) yield this.#finish(item, 'failed', { error, message });
  }

  #open(): readonly GarbageItem[] {
    return this.#plan.items.filter(({ digest }) => !this.#outcomes.has(digest));
  }

  /** Returns the manifests whose images have all been deleted. */
  #next(): readonly GarbageItem[] {
    const isGone = (digest: string) => {
      const outcome = this.#outcomes.get(digest);
      return outcome === 'deleted' || outcome === 'gone';
    };
    return this.#open().filter(({ after }) => after.every(isGone));
  }

  async *#deleteLevel(level: readonly GarbageItem[]): AsyncGenerator<DeletionResult, void, undefined> {
    const { repository } = this.#plan;
    const fresh = await findGarbage(this.#catalog, repository, this.#policy, { ...this.#call, known: this.#known });
    const garbage = new Map(fresh.items.map((item) => [item.digest, item]));
    const changed = level.filter(({ digest }) => !garbage.has(digest));
    const existing = await this.#existing(changed);
    for (const item of changed) {
      // Amazon ECR deletes what refers to an image together with it.
      yield existing.has(item.digest) ? this.#finish(item, 'kept', { reason: 'changed' }) : this.#finish(item, 'gone');
    }
    const still = level.filter(({ digest }) => garbage.has(digest));
    const tagged = still.filter(({ tags }) => tags.length > 0);
    const untagged = still.filter(({ tags }) => tags.length === 0);
    for (const group of [...inGroups(tagged, TAGGED_GROUP), ...inGroups(untagged, UNTAGGED_GROUP)]) {
      const checked = await Promise.all(group.map((item) => this.#hasSameTags(item, garbage.get(item.digest))));
      for (const item of group.filter((_, i) => !checked[i]))
        yield this.#finish(item, 'kept', { reason: 'tag-changed' });
      yield* this.#delete(group.filter((_, i) => checked[i]));
    }
  }

  async #existing(items: readonly GarbageItem[]): Promise<ReadonlySet<string>> {
    const digests = items.map(({ digest }) => digest);
    const found = new Set<string>();
    if (digests.length === 0) return found;
    for await (const { digest } of this.#catalog.manifests(this.#plan.repository, digests, this.#call))
      found.add(digest);
    return found;
  }

  /** Reads the tags of an image again. */
  async #hasSameTags({ digest, tags }: GarbageItem, now: GarbageItem | undefined): Promise<boolean> {
    if (now?.tags.length !== tags.length) return false;
    const resolved = await Promise.all(
      tags.map((tag) => this.#catalog.resolveTag(this.#plan.repository, tag, this.#call)),
    );
    return resolved.every((each) => each === digest);
  }

  async *#delete(items: readonly GarbageItem[]): AsyncGenerator<DeletionResult, void, undefined> {
    if (items.length === 0) return;
    const { repository } = this.#plan;
    const digests = items.map(({ digest }) => digest);
    const failures = new Map(
      (await this.#catalog.delete(repository, digests, this.#call)).map((failure) => [failure.digest, failure]),
    );
    for (const item of items) {
      const failure = failures.get(item.digest);
      if (failure === undefined) yield this.#finish(item, 'deleted');
      else if (NOT_FOUND.has(failure.code)) yield this.#finish(item, 'gone');
      else if (failure.code === REFERENCED) yield this.#finish(item, 'kept', { reason: 'referenced' });
      else yield this.#finish(item, 'failed', { message: `${failure.code}: ${failure.reason}` });
    }
  }

  #finish(
    item: GarbageItem,
    outcome: DeletionOutcome,
    more: Pick<DeletionResult, 'reason' | 'message' | 'error'> = {},
  ): DeletionResult {
    this.#outcomes.set(item.digest, outcome);
    return { repository: this.#plan.repository, item, outcome, ...more };
  }
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
