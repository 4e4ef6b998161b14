import {
  ANNOTATION_INDEX_DIGEST,
  ANNOTATION_SOURCE_DIGEST,
  MEDIA_TYPE_SOCI_INDEX_V1,
  MEDIA_TYPE_SOCI_INDEX_V2,
} from '@soci/index';
import { openRegistry, openRegistryCatalog } from '@soci/registry';
import { startTestRegistry } from '@soci/test-registry';
import { describe, expect, it } from 'vitest';
import {
  listed,
  type ModelManifest,
  type ModelRepository,
  REPOSITORY,
  subjectOf,
} from '../fixtures/model-repository.ts';
import { NOW, Random, type RandomState, randomEvent, randomState } from '../fixtures/random-repository.ts';
import { type DeletionResult, deleteGarbage } from './delete-garbage.ts';
import { findGarbage } from './find-garbage.ts';
import { restoreGarbage } from './restore-garbage.ts';
import type { UndoLog, UndoManifest } from './undo-log.ts';

/** An undo log in memory. Fails the test if something is deleted before it is complete. */
class MemoryUndoLog implements UndoLog {
  readonly manifests: UndoManifest[] = [];
  isCommitted = false;

  async add(manifest: UndoManifest) {
    check(!this.isCommitted, 'the undo log is complete');
    this.manifests.push(manifest);
  }

  async commit() {
    this.isCommitted = true;
  }
}

/** A copy of what exists before a deletion. */
interface Before {
  readonly manifests: ReadonlyMap<string, ModelManifest>;
  readonly tags: ReadonlyMap<string, string>;
}

function copy(repository: ModelRepository): Before {
  return { manifests: new Map(repository.manifestsByDigest), tags: new Map(repository.tags) };
}

function roleOf(manifest: ModelManifest): 'root' | 'part' | 'v1' | 'v1-list' | 'foreign' {
  const { config, annotations = {}, manifests } = manifest.document;
  if (manifests !== undefined) {
    const types = manifests.map((each: { artifactType?: string }) => each.artifactType);
    if (types.includes(MEDIA_TYPE_SOCI_INDEX_V2)) return 'root';
    return types.length > 0 && types.every((type: string) => type === MEDIA_TYPE_SOCI_INDEX_V1) ? 'v1-list' : 'foreign';
  }
  if (config.mediaType === MEDIA_TYPE_SOCI_INDEX_V1) return 'v1';
  return config.mediaType === MEDIA_TYPE_SOCI_INDEX_V2 || annotations[ANNOTATION_INDEX_DIGEST] ? 'part' : 'foreign';
}

function sourceOf(manifest: ModelManifest): string | undefined {
  const { annotations = {}, manifests } = manifest.document;
  return annotations[ANNOTATION_SOURCE_DIGEST] ?? manifests?.[0]?.annotations?.[ANNOTATION_SOURCE_DIGEST];
}

/** Returns what a registry shows that lists only tags: tagged manifests, those of known digests, and what these list. */
function visibleManifests({ manifests, tags }: Before, known: ReadonlyMap<string, unknown>) {
  const visible = new Set([...tags.values(), ...known.keys()]);
  for (const digest of visible) for (const each of listed(manifests.get(digest))) visible.add(each);
  return new Map([...manifests].filter(([digest]) => visible.has(digest)));
}

/** Returns what is in use: the manifests of the list, what lists them, and everything that these list. */
function inUseClosure(before: Before, { inUse }: RandomState['policy'], lists: 'all' | 'tags'): ReadonlySet<string> {
  const { tags } = before;
  const manifests = lists === 'all' ? before.manifests : visibleManifests(before, inUse.digests);
  const used = new Set<string>();
  for (const [digest, manifest] of manifests) {
    const ownTags = [...tags].filter(([, target]) => target === digest).map(([tag]) => `${REPOSITORY}:${tag}`);
    const isUsed =
      inUse.digests.has(digest) ||
      inUse.digests.has(manifest.document.config?.digest) ||
      ownTags.some((tag) => inUse.tags.has(tag));
    if (isUsed && !manifest.isArchived) used.add(digest);
  }
  for (let size = -1; size !== used.size; ) {
    size = used.size;
    for (const [digest, manifest] of manifests) {
      if (!manifest.isArchived && listed(manifest).some((each) => used.has(each))) used.add(digest);
    }
  }
  const closure = new Set(used);
  for (let size = -1; size !== closure.size; ) {
    size = closure.size;
    for (const digest of [...closure]) {
      const manifest = manifests.get(digest);
      if (manifest !== undefined) for (const each of listed(manifest)) closure.add(each);
    }
  }
  return closure;
}

/** Returns whether copies are kept, and all SOCI-enabled images can be copies: none of them has its source image. */
function keepsCopies(before: Before, { inUse, keepCopies }: RandomState['policy'], lists: 'all' | 'tags') {
  if (!keepCopies) return false;
  const { manifests } = before;
  const visible = lists === 'all' ? manifests : visibleManifests(before, inUse.digests);
  return ![...visible.values()].some(
    (each) => !each.isArchived && roleOf(each) === 'root' && manifests.has(sourceOf(each) ?? ''),
  );
}

/** Returns whether a manifest lists an archived one, at any depth. */
function listsArchived({ manifests }: Before, digest: string): boolean {
  const manifest = manifests.get(digest);
  return (
    manifest !== undefined &&
    listed(manifest).some(
      (each) => manifests.get(each)?.isArchived === true || listsArchived({ manifests, tags: new Map() }, each),
    )
  );
}

/** Fails if something was deleted that is foreign, in use, archived, too new, or needed by what remains. */
function expectSafe(
  before: Before,
  repository: ModelRepository,
  deleted: readonly string[],
  policy: RandomState['policy'],
) {
  const used = inUseClosure(before, policy, repository.lists);
  const isVisible = (digest: string) => repository.lists === 'all' || repository.tagsOf(digest).length > 0;
  const remaining = [...repository.manifestsByDigest.values()].filter(({ descriptor }) => isVisible(descriptor.digest));
  const needed = neededBy(remaining);
  for (const digest of deleted) {
    const manifest = before.manifests.get(digest) as ModelManifest;
    const role = roleOf(manifest);
    check(role !== 'foreign', `${digest} is foreign`);
    check(!used.has(digest), `${role} ${digest} is in use`);
    check(!manifest.isArchived, `${role} ${digest} is archived`);
    check(!needed.has(digest), `${role} ${digest} is needed`);
    const tags = [...before.tags].filter(([, target]) => target === digest).map(([tag]) => tag);
    const source = sourceOf(manifest);
    if (role === 'root') {
      check(
        tags.every((tag) => tag.endsWith('-soci')),
        `root ${digest} has another tag`,
      );
      check(policy.includeUnmarked || source !== undefined, `root ${digest} is unmarked`);
      check(isOld(manifest, policy), `root ${digest} is new`);
      check(tags.length === 0 || source === undefined || !before.manifests.has(source), `root ${digest} has a source`);
      const canBeCopy = source === undefined ? tags.length > 0 : !before.manifests.has(source);
      check(!canBeCopy || !keepsCopies(before, policy, repository.lists), `root ${digest} can be a copy`);
    } else if (role === 'part') check(tags.length === 0, `part ${digest} has a tag`);
  }
  for (const [digest, manifest] of before.manifests) {
    if (roleOf(manifest) === 'foreign') check(repository.manifestsByDigest.has(digest), `${digest} is foreign`);
  }
}

/** Returns the digests that manifests list, refer to, or name as their SOCI index. */
function neededBy(manifests: readonly ModelManifest[]): ReadonlySet<string> {
  return new Set(
    manifests.flatMap((each) => {
      const named = each.isArchived ? undefined : each.document.annotations?.[ANNOTATION_INDEX_DIGEST];
      return [...listed(each), ...[subjectOf(each), named].filter((digest) => digest !== undefined)];
    }),
  );
}

function isOld({ pushedAt }: ModelManifest, { olderThan }: RandomState['policy']): boolean {
  return olderThan === 0 || pushedAt <= NOW - olderThan;
}

/** Like `expect`, but fast enough for millions of conditions. */
function check(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Fails if something remains that is garbage by the rules of docs/registry-jobs.md. */
function expectComplete(before: Before, repository: ModelRepository, policy: RandomState['policy']) {
  const used = inUseClosure(before, policy, repository.lists);
  const remaining = [...repository.manifestsByDigest.values()];
  const hasArchivedIndex = repository.hasArchivedIndex();
  const keepsAll = keepsCopies(before, policy, repository.lists);
  const needed = neededBy(remaining);
  const isNeeded = (digest: string) => used.has(digest) || needed.has(digest) || listsArchived(before, digest);
  for (const manifest of remaining) {
    const { digest } = manifest.descriptor;
    const tags = repository.tagsOf(digest);
    const source = sourceOf(manifest);
    const role = roleOf(manifest);
    const isSelected = policy.includeUnmarked || source !== undefined;
    if (manifest.isArchived || isNeeded(digest) || !isOld(manifest, policy) || !isSelected) continue;
    if (repository.lists === 'tags' && tags.length === 0) continue;
    if (role === 'root' && !hasArchivedIndex) {
      const isStale = tags.some((tag) => repository.tags.has(tag.replace(/-soci$/, '')));
      const hasSource = source !== undefined && repository.manifestsByDigest.has(source);
      const canBeCopy = keepsAll && (source !== undefined || tags.length > 0);
      const isGone = !isStale && !hasSource && !canBeCopy;
      const isMoved = tags.length === 0 && hasSource && repository.tagsOf(source).length === 0;
      const isOwn = tags.every((tag) => tag.endsWith('-soci'));
      check(!isOwn || !(isGone || isMoved), `root ${digest} ${tags} remains`);
    } else if (role === 'v1' && tags.length === 0) {
      check(repository.manifestsByDigest.has(subjectOf(manifest) ?? ''), `v1 ${digest} remains`);
    } else if (role === 'part' && policy.includeUnmarked && !hasArchivedIndex) {
      check(tags.length > 0, `part ${digest} remains`);
    }
  }
  if (hasArchivedIndex) return;
  for (const manifest of before.manifests.values()) {
    if (roleOf(manifest) !== 'root' || repository.manifestsByDigest.has(manifest.descriptor.digest)) continue;
    for (const digest of listed(manifest)) {
      const part = repository.manifestsByDigest.get(digest);
      if (part === undefined || roleOf(part) !== 'part' || part.isArchived || repository.tagsOf(digest).length > 0)
        continue;
      check(isNeeded(digest), `part ${digest} of a deleted image remains`);
    }
  }
}

async function collect(state: RandomState, undo: UndoLog): Promise<readonly DeletionResult[]> {
  const { repository, policy } = state;
  const plan = await findGarbage(repository, REPOSITORY, policy);
  return gather(deleteGarbage(repository, [plan], policy, { undo }));
}

async function gather<T>(results: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const each of results) all.push(each);
  return all;
}

/** Runs the check for many seeds. The message of a failure has the seed. */
async function forSeeds(from: number, to: number, check: (seed: number) => Promise<void>): Promise<void> {
  for (let seed = from; seed < to; seed++) {
    try {
      await check(seed);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** The check of 2,000 states takes a few seconds of processor time. A loaded machine needs longer. */
describe('garbage collection of random repositories', () => {
  it('deletes all garbage and nothing else, and restores it', async () => {
    const counts = { deleted: 0, empty: 0 };
    await forSeeds(0, 2000, async (seed) => {
      const state = randomState(seed);
      const { repository, policy } = state;
      const before = copy(repository);
      const snapshot = repository.snapshot();
      const start = repository.deletions.length;
      const undo = new MemoryUndoLog();
      repository.onDelete = () => check(undo.isCommitted, 'the undo log is incomplete');
      const results = await collect(state, undo);

      const deleted = repository.deletions.slice(start);
      expectSafe(before, repository, deleted, policy);
      expectComplete(before, repository, policy);
      // What an archived index lists is unknown, but Amazon ECR protects it.
      const isProtected = ({ outcome, reason }: DeletionResult) => outcome === 'kept' && reason === 'referenced';
      const remaining = results.filter((each) => isProtected(each) && repository.hasArchivedIndex());
      expect(results.filter(({ outcome }) => outcome !== 'deleted' && outcome !== 'gone')).toEqual(remaining);
      expect(undo.manifests.length).toBe(deleted.length + remaining.length);
      counts.deleted += deleted.length;
      if (deleted.length === 0) counts.empty += 1;
      const again = await findGarbage(repository, REPOSITORY, policy);
      expect(again.items.map(({ digest }) => digest)).toEqual(remaining.map(({ item }) => item.digest));

      const restored = await gather(restoreGarbage(undo.manifests, () => repository));
      expect(restored.filter(({ outcome }) => outcome === 'restored').length).toBe(deleted.length);
      expect(repository.snapshot()).toEqual(snapshot);
    });
    // The states are not trivial.
    expect(counts.deleted).toBeGreaterThan(4000);
    expect(counts.empty).toBeLessThan(1200);
  });

  it('deletes nothing that is needed if the repository changes between plan and deletion', async () => {
    await forSeeds(2000, 4000, async (seed) => {
      const { repository, policy } = randomState(seed);
      const random = new Random(seed);
      const plan = await findGarbage(repository, REPOSITORY, policy);
      const items = plan.items.map(({ digest }) => digest);
      for (let i = random.below(3) + 1; i > 0; i--) {
        const target = random.pick(items);
        const kind = random.below(5);
        if (target === undefined || kind === 0) randomEvent(repository, random, false);
        else if (kind === 1) repository.tags.set('prod', target);
        else if (kind === 2) repository.pushReferrer(target, NOW);
        else if (kind === 3) repository.pushIndex([target], 'new', NOW);
        else repository.pushImage(plan.items[0]?.tags[0], NOW);
      }
      const before = copy(repository);
      const start = repository.deletions.length;
      for await (const _ of deleteGarbage(repository, [plan], policy, { undo: new MemoryUndoLog() }));
      expectSafe(before, repository, repository.deletions.slice(start), policy);
    });
  });

  it('restores everything after the registry failed in the middle of a deletion', async () => {
    await forSeeds(4000, 5000, async (seed) => {
      const state = randomState(seed);
      const { repository, policy } = state;
      const before = copy(repository);
      const snapshot = repository.snapshot();
      const start = repository.deletions.length;
      const undo = new MemoryUndoLog();
      let calls = new Random(seed).below(3);
      repository.onDelete = () => {
        if (calls-- === 0) throw new Error('503 Service Unavailable');
      };
      const results = await collect(state, undo);
      expectSafe(before, repository, repository.deletions.slice(start), policy);
      expect(results.length).toBe(undo.manifests.length);
      for await (const _ of restoreGarbage(undo.manifests, () => repository));
      expect(repository.snapshot()).toEqual(snapshot);
    });
  });
});

describe('garbage collection over the distribution API', () => {
  it('deletes in a real registry what it deletes in the model', async () => {
    const registry = await startTestRegistry();
    const client = openRegistry(registry.host, { plainHttp: true });
    const catalog = openRegistryCatalog(client);
    const counts = { deleted: 0 };
    try {
      for (let seed = 0, left = 40; left > 0; seed++) {
        const { repository, policy } = randomState(seed);
        if (repository.lists === 'all') continue;
        left -= 1;
        const name = `state-${seed}`;
        registry.createRepository(name);
        for (const { descriptor, content } of repository.manifestsByDigest.values()) {
          registry.putManifest(name, descriptor.digest, descriptor.mediaType, content);
        }
        for (const [tag, digest] of repository.tags) {
          const { descriptor, content } = repository.manifestsByDigest.get(digest) as ModelManifest;
          registry.putManifest(name, tag, descriptor.mediaType, content);
        }
        const here = { ...policy, inUse: { ...policy.inUse, tags: renamed(policy.inUse.tags, name) } };
        const plan = await findGarbage(catalog, name, here);
        const expected = await findGarbage(repository, REPOSITORY, policy);
        check(JSON.stringify(plan.items) === JSON.stringify(expected.items), `seed ${seed}: the plans differ`);
        const undo = new MemoryUndoLog();
        const results = await gather(deleteGarbage(catalog, [plan], here, { undo }));
        const deleted = results.filter(({ outcome }) => outcome === 'deleted').map(({ item }) => item.digest);
        check(deleted.length === plan.items.length, `seed ${seed}: garbage remains`);
        for (const digest of repository.manifestsByDigest.keys()) {
          const exists = registry.manifest(name, digest) !== undefined;
          check(exists !== deleted.includes(digest), `seed ${seed}: ${digest}`);
        }
        counts.deleted += deleted.length;
      }
    } finally {
      client.close();
      await registry.stop();
    }
    expect(counts.deleted).toBeGreaterThan(20);
  });
});

function renamed(tags: ReadonlySet<string>, repository: string): ReadonlySet<string> {
  return new Set([...tags].map((tag) => `${repository}${tag.slice(REPOSITORY.length)}`));
}
