import {
  type CallOptions,
  type Descriptor,
  listSuccessors,
  type ManifestPusher,
  OciError,
  type Prober,
  type Resolver,
} from '@soci/oci';
import { toUndoEntry, type UndoEntry, type UndoManifest } from './undo-log.ts';

/** A repository that manifests are restored to. */
export type RestoreTarget = ManifestPusher & Prober & Resolver;

/** What happened to a tag. `elsewhere`: it leads to another manifest now, and was not moved. */
export interface RestoredTag {
  readonly tag: string;
  readonly outcome: 'restored' | 'present' | 'elsewhere';
  /** What the tag leads to now, if it was not moved. */
  readonly digest?: string;
}

/**
 * What happened to a manifest of an undo log:
 *
 * - `restored`: it was pushed.
 * - `present`: it existed.
 * - `incomplete`: it was not pushed. The registry has removed blobs or manifests that it needs: see `missing`.
 * - `failed`: the registry rejects it.
 */
export interface RestoreResult {
  readonly repository: string;
  readonly digest: string;
  readonly outcome: 'restored' | 'present' | 'incomplete' | 'failed';
  /** Empty unless the manifest exists now. */
  readonly tags: readonly RestoredTag[];
  /** Digests of the missing content. */
  readonly missing?: readonly string[];
  /** Message of the registry. */
  readonly message?: string;
}

/** Error codes that concern one manifest. @see RegistryError of `@soci/registry` */
const REFUSED: ReadonlySet<unknown> = new Set(['MANIFEST_REFUSED', 'MANIFEST_INVALID', 'TAG_IMMUTABLE']);

/**
 * Pushes the manifests of an undo log: what an image lists before the image, and its tags last. Does not move a tag that
 * leads to another manifest now. Existing manifests are not pushed, so it can be repeated. Reads one content at a time.
 *
 * @param open - Opens a repository.
 * @returns The outcome of each manifest.
 * @throws Errors of the registry, such as a missing permission; the abort reason of the signal.
 */
export async function* restoreGarbage(
  manifests: readonly (UndoEntry | UndoManifest)[],
  open: (repository: string) => RestoreTarget,
  options: CallOptions = {},
): AsyncGenerator<RestoreResult, void, undefined> {
  const entries = manifests.map((each) => ('content' in each ? toUndoEntry(each) : each));
  for (const [repository, own] of Map.groupBy(entries, (each) => each.repository)) {
    const target = open(repository);
    const unavailable = new Set<string>();
    const tagged: { readonly manifest: UndoEntry; readonly result: RestoreResult }[] = [];
    for (const manifest of inRestoreOrder(own)) {
      options.signal?.throwIfAborted();
      const pushed = await restoreManifest(target, manifest, unavailable, options);
      const result = { repository, digest: manifest.digest, ...pushed, tags: [] };
      const exists = pushed.outcome === 'restored' || pushed.outcome === 'present';
      if (!exists) unavailable.add(manifest.digest);
      if (exists && manifest.tags.length > 0) tagged.push({ manifest, result });
      else yield result;
    }
    for (const { manifest, result } of tagged) yield { ...result, tags: await restoreTags(target, manifest, options) };
  }
}

type PushedManifest = Pick<RestoreResult, 'outcome' | 'missing' | 'message'>;

async function restoreManifest(
  target: RestoreTarget,
  manifest: UndoEntry,
  unavailable: ReadonlySet<string>,
  options: CallOptions,
): Promise<PushedManifest> {
  if ((await resolve(target, manifest.digest, options)) !== undefined) return { outcome: 'present' };
  const content = await manifest.read();
  const descriptor = describe(manifest, content);
  const needed = listSuccessors(descriptor, content);
  const lost = needed.filter(({ digest }) => unavailable.has(digest)).map(({ digest }) => digest);
  if (lost.length > 0) return { outcome: 'incomplete', missing: lost };
  try {
    await target.pushManifest(descriptor, content, options);
    return { outcome: 'restored' };
  } catch (error) {
    if (!REFUSED.has((error as { code?: unknown }).code)) throw error;
    const missing: string[] = [];
    for (const each of needed) if (!(await target.exists(each, options))) missing.push(each.digest);
    if (missing.length > 0) return { outcome: 'incomplete', missing };
    return { outcome: 'failed', message: (error as Error).message };
  }
}

async function restoreTags(
  target: RestoreTarget,
  manifest: UndoEntry,
  options: CallOptions,
): Promise<readonly RestoredTag[]> {
  const tags: RestoredTag[] = [];
  for (const tag of manifest.tags) {
    const digest = await resolve(target, tag, options);
    if (digest === manifest.digest) tags.push({ tag, outcome: 'present' });
    else if (digest !== undefined) tags.push({ tag, outcome: 'elsewhere', digest });
    else {
      const content = await manifest.read();
      await target.pushManifest(describe(manifest, content), content, { ...options, tag });
      tags.push({ tag, outcome: 'restored' });
    }
  }
  return tags;
}

async function resolve(target: Resolver, reference: string, options: CallOptions): Promise<string | undefined> {
  try {
    return (await target.resolve(reference, options)).digest;
  } catch (error) {
    if (error instanceof OciError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function describe({ digest, mediaType }: UndoEntry, content: Uint8Array): Descriptor {
  return { digest, mediaType, size: content.length };
}

/** Sorts manifests so that each follows the manifests that it lists or refers to. */
function inRestoreOrder(manifests: readonly UndoEntry[]): UndoEntry[] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const ordered = new Set<UndoEntry>();
  const started = new Set<UndoEntry>();
  const visit = (manifest: UndoEntry) => {
    if (started.has(manifest)) return;
    started.add(manifest);
    for (const digest of manifest.after) {
      const other = byDigest.get(digest);
      if (other !== undefined) visit(other);
    }
    ordered.add(manifest);
  };
  for (const manifest of manifests) visit(manifest);
  return [...ordered];
}
