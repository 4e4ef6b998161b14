import {
  type CallOptions,
  type Descriptor,
  isImageIndex,
  listSuccessors,
  type ManifestPusher,
  OciError,
  type Prober,
  type Resolver,
  readReferral,
} from '@soci/oci';
import type { UndoManifest } from './undo-log.ts';

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
 * leads to another manifest now. Existing manifests are not pushed, so it can be repeated.
 *
 * @param open - Opens a repository.
 * @returns The outcome of each manifest.
 * @throws Errors of the registry, such as a missing permission; the abort reason of the signal.
 */
export async function* restoreGarbage(
  manifests: readonly UndoManifest[],
  open: (repository: string) => RestoreTarget,
  options: CallOptions = {},
): AsyncGenerator<RestoreResult, void, undefined> {
  for (const [repository, own] of Map.groupBy(manifests, (each) => each.repository)) {
    const target = open(repository);
    const unavailable = new Set<string>();
    const tagged: { readonly manifest: UndoManifest; readonly result: RestoreResult }[] = [];
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
  manifest: UndoManifest,
  unavailable: ReadonlySet<string>,
  options: CallOptions,
): Promise<PushedManifest> {
  const descriptor = describe(manifest);
  if ((await resolve(target, manifest.digest, options)) !== undefined) return { outcome: 'present' };
  const needed = listSuccessors(descriptor, manifest.content);
  const lost = needed.filter(({ digest }) => unavailable.has(digest)).map(({ digest }) => digest);
  if (lost.length > 0) return { outcome: 'incomplete', missing: lost };
  try {
    await target.pushManifest(descriptor, manifest.content, options);
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
  manifest: UndoManifest,
  options: CallOptions,
): Promise<readonly RestoredTag[]> {
  const tags: RestoredTag[] = [];
  for (const tag of manifest.tags) {
    const digest = await resolve(target, tag, options);
    if (digest === manifest.digest) tags.push({ tag, outcome: 'present' });
    else if (digest !== undefined) tags.push({ tag, outcome: 'elsewhere', digest });
    else {
      await target.pushManifest(describe(manifest), manifest.content, { ...options, tag });
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

function describe({ digest, mediaType, content }: UndoManifest): Descriptor {
  return { digest, mediaType, size: content.length };
}

/** Sorts manifests so that each follows the manifests that it lists or refers to. */
function inRestoreOrder(manifests: readonly UndoManifest[]): UndoManifest[] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest, manifest]));
  const ordered = new Set<UndoManifest>();
  const started = new Set<UndoManifest>();
  const visit = (manifest: UndoManifest) => {
    if (started.has(manifest)) return;
    started.add(manifest);
    for (const digest of earlier(manifest)) {
      const other = byDigest.get(digest);
      if (other !== undefined) visit(other);
    }
    ordered.add(manifest);
  };
  for (const manifest of manifests) visit(manifest);
  return [...ordered];
}

function earlier(manifest: UndoManifest): string[] {
  const descriptor = describe(manifest);
  const listed = isImageIndex(manifest.mediaType) ? listSuccessors(descriptor, manifest.content) : [];
  const subject = readReferral(descriptor, manifest.content)?.subject;
  return [...listed.map(({ digest }) => digest), ...(subject === undefined ? [] : [subject])];
}
